/** A JSON value and the offset where it begins or, for a member of an object, where its key begins. */
export interface Json {
  at: number;
  value: null | boolean | number | string | Json[] | Map<string, Json>;
}

/** A text that is not JSON. `at` is the offset of the first character that cannot be there, or the text's length. */
export class JsonSyntaxError extends Error {
  readonly at: number;

  constructor(at: number, message = 'invalid JSON') {
    super(`${message} at offset ${at}`);
    this.at = at;
  }
}

/** A number that is too large for a double. `at` is its offset. */
export class JsonNumberError extends JsonSyntaxError {
  constructor(at: number) {
    super(at, 'number too large');
  }
}

/** Maximum nesting that Go's encoding/json accepts. */
const MAX_DEPTH = 10_000;

/** An array or object that is not complete yet, with the key of the object's next member. */
interface Open {
  node: Json;
  key?: { text: string; at: number };
}

/** What may come next. */
type Expected = 'value' | 'first element' | 'first key' | 'key' | 'colon' | 'comma' | 'end';

/**
 * Parses JSON like Go's encoding/json: of equal keys the last one counts, an unpaired surrogate becomes U+FFFD, and a number that is too
 * large for a double is an error. Works without recursion, because a document may be nested deeper than the stack.
 * @throws JsonSyntaxError, JsonNumberError
 */
export function parseJson(text: string): Json {
  const open: Open[] = [];
  let root = undefined as Json | undefined;
  let expected = 'value' as Expected;
  let at = 0;
  let hugeAt = undefined as number | undefined;

  /** Adds a value to the innermost array or object. */
  const add = (value: Json['value'], begin: number): Json => {
    const parent = open.at(-1);
    const node = { at: parent?.key?.at ?? begin, value };
    if (parent === undefined) root = node;
    else if (parent.node.value instanceof Map) parent.node.value.set(parent.key?.text ?? '', node);
    else if (Array.isArray(parent.node.value)) parent.node.value.push(node);
    return node;
  };
  const afterValue = (): Expected => (open.length === 0 ? 'end' : 'comma');
  const enter = (value: Json[] | Map<string, Json>): void => {
    if (open.length >= MAX_DEPTH) throw new JsonSyntaxError(at);
    open.push({ node: add(value, at) });
    expected = Array.isArray(value) ? 'first element' : 'first key';
    at += 1;
  };
  const leave = (): void => {
    open.pop();
    expected = afterValue();
    at += 1;
  };
  const scalar = (): void => {
    const { value, end } = readScalar(text, at);
    if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) hugeAt ??= at;
    add(value, at);
    expected = afterValue();
    at = end;
  };

  for (;;) {
    at = afterSpace(text, at);
    if (expected === 'end') break;
    const next = text[at];
    const inner = open.at(-1);
    if (expected === 'comma') {
      const isObject = inner?.node.value instanceof Map;
      if (next === (isObject ? '}' : ']')) leave();
      else if (next === ',') {
        expected = isObject ? 'key' : 'value';
        at += 1;
      } else throw new JsonSyntaxError(at);
    } else if (expected === 'colon') {
      if (next !== ':') throw new JsonSyntaxError(at);
      expected = 'value';
      at += 1;
    } else if (expected === 'first key' && next === '}') leave();
    else if (expected === 'first key' || expected === 'key') {
      if (next !== '"' || inner === undefined) throw new JsonSyntaxError(at);
      const { value, end } = readString(text, at);
      inner.key = { text: value, at };
      expected = 'colon';
      at = end;
    } else if (expected === 'first element' && next === ']') leave();
    else if (next === '[') enter([]);
    else if (next === '{') enter(new Map());
    else scalar();
  }
  if (hugeAt !== undefined) throw new JsonNumberError(hugeAt);
  if (at < text.length || root === undefined) throw new JsonSyntaxError(at);
  return root;
}

/** Line and column of an offset, both from 1. */
export function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}

/** Line and column of a syntax error. White space before a missing character belongs to neither. */
export function placeOfError(text: string, at: number): { line: number; column: number } {
  let end = at;
  if (at >= text.length || isSpace(text[at])) while (isSpace(text[end - 1])) end -= 1;
  return placeOf(text, end);
}

const isSpace = (character: string | undefined) =>
  character === ' ' || character === '\t' || character === '\n' || character === '\r';
const isDigit = (character: string | undefined) =>
  character !== undefined && character >= '0' && character <= '9';

function afterSpace(text: string, at: number): number {
  let end = at;
  while (isSpace(text[end])) end += 1;
  return end;
}

interface Scalar<Value> {
  value: Value;
  end: number;
}

function readScalar(text: string, at: number): Scalar<null | boolean | number | string> {
  switch (text[at]) {
    case '"':
      return readString(text, at);
    case 't':
      return { value: true, end: afterWord(text, at, 'true') };
    case 'f':
      return { value: false, end: afterWord(text, at, 'false') };
    case 'n':
      return { value: null, end: afterWord(text, at, 'null') };
    default:
      return readNumber(text, at);
  }
}

function afterWord(text: string, at: number, word: string): number {
  for (let index = 0; index < word.length; index += 1)
    if (text[at + index] !== word[index]) throw new JsonSyntaxError(at + index);
  return at + word.length;
}

function readNumber(text: string, at: number): Scalar<number> {
  let end = at;
  const digits = (): void => {
    if (!isDigit(text[end])) throw new JsonSyntaxError(end);
    while (isDigit(text[end])) end += 1;
  };
  if (text[end] === '-') end += 1;
  if (text[end] === '0') end += 1;
  else digits();
  if (text[end] === '.') {
    end += 1;
    digits();
  }
  if (text[end] === 'e' || text[end] === 'E') {
    end += 1;
    if (text[end] === '+' || text[end] === '-') end += 1;
    digits();
  }
  return { value: Number(text.slice(at, end)), end };
}

function readString(text: string, at: number): Scalar<string> {
  let end = at + 1;
  for (; text[end] !== '"'; end += 1) {
    if (end >= text.length || text.charCodeAt(end) < 0x20) throw new JsonSyntaxError(end);
    if (text[end] !== '\\') continue;
    end += 1;
    if (text[end] !== 'u') {
      if (!/["\\/bfnrt]/.test(text[end] ?? '')) throw new JsonSyntaxError(end);
      continue;
    }
    for (let digit = 0; digit < 4; digit += 1) {
      end += 1;
      if (!/[0-9a-f]/i.test(text[end] ?? '')) throw new JsonSyntaxError(end);
    }
  }
  end += 1;
  const value: string = JSON.parse(text.slice(at, end));
  // UTF-8 has no unpaired surrogates.
  return { value: Buffer.from(value).toString(), end };
}
