import { TurnbuildError } from '../errors.ts';

/** Values and names that a template may refer to. */
export interface TemplateInput {
  /** `{{name}}` is replaced by the value of the same name. */
  values: Readonly<Record<string, string | number>>;
  /** The turnserver's long options: `%if-option NAME` keeps its lines only if NAME is one. */
  options: ReadonlySet<string>;
  /** The turnserver's Prometheus metrics: `%if-metric NAME`. */
  metrics: ReadonlySet<string>;
  /** The turnserver's features: `%if-feature NAME`. */
  features: ReadonlySet<string>;
}

/** Directive -> the set that it tests. */
const CONDITIONS = { 'if-option': 'options', 'if-metric': 'metrics', 'if-feature': 'features' } as const;

/**
 * Renders a packaging file. Copies all lines except for `{{name}}` and the directives `%if-option NAME`, `%if-metric NAME`,
 * `%if-feature NAME`, `%else` and `%end`, which can be nested and need a line of their own. An unknown name or an
 * unbalanced directive is an error: an incomplete packaging file must never ship.
 */
export function renderTemplate(text: string, input: TemplateInput): string {
  const out: string[] = [];
  const blocks: boolean[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const directive = /^%(if-option|if-metric|if-feature|else|end)\b\s*(\S*)\s*$/.exec(line);
    if (directive === null) {
      if (blocks.every(Boolean)) out.push(substitute(line, input.values, index + 1));
    } else if (directive[1]?.startsWith('if-') && directive[2] !== '') {
      blocks.push(input[CONDITIONS[directive[1] as keyof typeof CONDITIONS]].has(directive[2] ?? ''));
    } else {
      const open = blocks.pop();
      if (open === undefined) throw templateError(index + 1, `"${line}" without %if`);
      if (directive[1] === 'else') blocks.push(!open);
    }
  }
  if (blocks.length > 0) throw templateError(text.split('\n').length, '%if without %end');
  return out.join('\n');
}

function substitute(line: string, values: TemplateInput['values'], number: number): string {
  return line.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw templateError(number, `unknown name {{${name}}}`);
    return String(value);
  });
}

function templateError(line: number, message: string): TurnbuildError {
  return new TurnbuildError('TEMPLATE_INVALID', `line ${line}: ${message}`);
}
