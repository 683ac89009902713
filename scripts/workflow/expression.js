// Evaluates the expressions that our workflows use, strictly: an unknown function, context or property is an error, not an empty string.
// @see https://docs.github.com/en/actions/reference/workflows-and-actions/expressions

const TOKEN =
  /\s*(?:(?<number>-?\d+(?:\.\d+)?)|'(?<text>(?:[^']|'')*)'|(?<name>[A-Za-z_][\w-]*)|(?<op>==|!=|&&|\|\||[!().,[\]]))/y;

/** Text with `${{ }}` -> its value. A text that is one expression has that expression's type. */
export function interpolate(text, contexts) {
  if (typeof text !== 'string') return text;
  const whole = /^\$\{\{((?:(?!\}\}).)*)\}\}$/s.exec(text);
  if (whole !== null) return evaluate(whole[1], contexts);
  return text.replace(/\$\{\{(.*?)\}\}/gs, (_, expression) => asText(evaluate(expression, contexts)));
}

/** `if:` -> whether to run. Without a status function, everything before must have succeeded. */
export function isDue(condition, contexts) {
  if (condition === undefined) return contexts.status === 'success';
  const expression = String(condition).replace(/^\s*\$\{\{(.*)\}\}\s*$/s, '$1');
  const asks = /\b(always|cancelled|success|failure)\s*\(/.test(expression);
  return (asks || contexts.status === 'success') && isTrue(evaluate(expression, contexts));
}

export function evaluate(expression, contexts) {
  const tokens = tokenize(expression);
  let at = 0;
  const peek = () => tokens[at];
  const take = (op) => {
    if (peek()?.op !== op) return false;
    at += 1;
    return true;
  };
  const expect = (op) => {
    if (!take(op)) throw new Error(`expected ${op} in the expression: ${expression}`);
  };
  const either = () => {
    let left = both();
    while (take('||')) {
      const right = both();
      left = isTrue(left) ? left : right;
    }
    return left;
  };
  const both = () => {
    let left = equal();
    while (take('&&')) {
      const right = equal();
      left = isTrue(left) ? right : left;
    }
    return left;
  };
  const equal = () => {
    const left = unary();
    if (take('==')) return isEqual(left, unary());
    return take('!=') ? !isEqual(left, unary()) : left;
  };
  const unary = () => (take('!') ? !isTrue(unary()) : operand());
  const operand = () => {
    if (take('(')) {
      const value = either();
      expect(')');
      return value;
    }
    const { number, text, name } = tokens[at++] ?? {};
    if (number !== undefined) return Number(number);
    if (text !== undefined) return text.replaceAll("''", "'");
    if (name === undefined) throw new Error(`unexpected end or operator in the expression: ${expression}`);
    if (name === 'true' || name === 'false') return name === 'true';
    if (take('(')) return call(name);
    return property(name);
  };
  const call = (name) => {
    const args = [];
    while (!take(')')) {
      args.push(either());
      if (peek()?.op !== ')') expect(',');
    }
    const known = FUNCTIONS[name];
    if (known === undefined) throw new Error(`unknown function ${name} in the expression: ${expression}`);
    return known(args, contexts);
  };
  const property = (name) => {
    let [path, value] = [name, member(contexts.values, name, name)];
    while (take('.')) {
      const key = tokens[at++]?.name;
      path += `.${key}`;
      value = member(value, key, path);
    }
    return value;
  };
  const value = either();
  if (at !== tokens.length) throw new Error(`cannot read the whole expression: ${expression}`);
  return value;
}

function tokenize(expression) {
  const tokens = [];
  const text = expression.trimEnd();
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    const found = TOKEN.exec(text);
    if (found === null) throw new Error(`cannot read the expression: ${expression}`);
    tokens.push({ ...found.groups });
  }
  return tokens;
}

/** Variables that a repository does not have are empty, like secrets. Everything else must be known. */
const OPEN = ['vars', 'secrets'];

function member(value, key, path) {
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, key)) return value[key];
  if (OPEN.includes(path.split('.')[0]) && path.split('.').length === 2) return '';
  throw new Error(`unknown context or property ${path}`);
}

const FUNCTIONS = {
  fromJSON: ([text]) => JSON.parse(text),
  format: ([text, ...values]) => text.replace(/\{(\d+)\}/g, (_, index) => asText(values[Number(index)])),
  success: (_, { status }) => status === 'success',
  failure: (_, { status }) => status === 'failure',
  cancelled: () => false,
};

const isTrue = (value) =>
  value !== false && value !== '' && value !== 0 && value !== null && value !== undefined;

/** Texts are compared without case. Values of different types are no equality that we use. */
function isEqual(left, right) {
  if (typeof left !== typeof right) throw new Error(`compares ${typeof left} with ${typeof right}`);
  return typeof left === 'string' ? left.toLowerCase() === right.toLowerCase() : left === right;
}

export function asText(value) {
  if (value === null || value === undefined) return '';
  if (typeof value === 'object') throw new Error('an object or a list cannot become text');
  return String(value);
}
