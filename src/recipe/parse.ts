import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { nearestName, TurnbuildError } from '../errors.ts';

/** An issue in a recipe. `line` counts from 1. */
export interface RecipeIssue {
  line: number;
  path: string;
  message: string;
}

export type ParseResult<T> = { ok: true; value: T } | { ok: false; issues: RecipeIssue[] };

/** Text -> value, or every issue at once with its line. Does not access files. */
export function parseRecipe<T>(text: string, schema: z.ZodType<T>): ParseResult<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0) {
    const issues = document.errors.map((e) => ({
      line: lines.linePos(e.pos[0]).line,
      path: '',
      message: e.message,
    }));
    return { ok: false, issues };
  }
  const result = schema.safeParse(document.toJS());
  if (result.success) return { ok: true, value: result.data };
  const issues = result.error.issues.flatMap((issue) => describe(issue, document, lines, schema));
  return { ok: false, issues: issues.sort((a, b) => a.line - b.line) };
}

/** How errors describe a kind of file: error code, name, and a hint to the documentation of its keys. */
interface FileKind {
  code: string;
  what: string;
  hint: string;
}

const RECIPE: FileKind = {
  code: 'RECIPE_INVALID',
  what: 'The recipe',
  hint: 'docs/target-recipes.md describes the keys of a target, and schemas/ those of every recipe.',
};

/** Like `parseRecipe`, but throws all issues in one error with the file's name. */
export function parseRecipeFile<T>(
  file: string,
  text: string,
  schema: z.ZodType<T>,
  { code, what, hint }: FileKind = RECIPE,
): T {
  const result = parseRecipe(text, schema);
  if (result.ok) return result.value;
  const list = result.issues.map(
    (i) => `  ${file}:${i.line}: ${i.path === '' ? '' : `${i.path}: `}${i.message}`,
  );
  const count = result.issues.length === 1 ? 'one issue' : `${result.issues.length} issues`;
  throw new TurnbuildError(code, `${what} has ${count}:\n${list.join('\n')}`, { hint });
}

function describe(
  issue: z.core.$ZodIssue,
  document: Document,
  lines: LineCounter,
  schema: unknown,
): RecipeIssue[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema);
    return issue.keys.map((key) => {
      const near = nearestName(key, known);
      return {
        line: lineOf(document, lines, [...issue.path, key]),
        path: path.join('.'),
        message: `unknown key "${key}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
      };
    });
  }
  return [{ line: lineOf(document, lines, issue.path), path: path.join('.'), message: issue.message }];
}

function knownKeys(schema: unknown): string[] {
  const shape = (schema as { shape?: Record<string, unknown> }).shape;
  return shape === undefined ? [] : Object.keys(shape);
}

/** The line of the deepest existing node on the path: a missing key is reported at its parent. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const pair = isMap(parent) ? parent.items.find((p) => isScalar(p.key) && p.key.value === key) : undefined;
    const node = pair?.key ?? document.getIn(path.slice(0, length), true);
    const range = (node as { range?: [number, number, number] } | undefined)?.range;
    if (range !== undefined) return lines.linePos(range[0]).line;
  }
  return 1;
}
