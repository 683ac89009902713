import type { z } from 'zod';
import { parseRecipeFile } from './parse.ts';
import { extendingSchema, type Target, targetSchema } from './schema.ts';

/** A file of recipes/targets. */
export interface TargetFile {
  /** Its path, for messages. */
  path: string;
  text: string;
}

/** Keys that identify a distribution, which are never inherited. */
const OWN: readonly string[] = [
  'name',
  'suite',
  'archive',
  'label',
  'sysroot',
  'baseImage',
  'image',
  'verifyOn',
];

/**
 * Texts -> targets, in the same order. A target that extends another inherits the keys that it does not set.
 * @throws RECIPE_INVALID with every issue of the first file that has any
 */
export function parseTargets(files: readonly TargetFile[]): Target[] {
  const byName = new Map(files.map((file) => [nameOf(file.path), file]));
  return files.map((file) => complete(file, byName, []));
}

function complete(
  { path, text }: TargetFile,
  byName: ReadonlyMap<string, TargetFile>,
  by: readonly string[],
): Target {
  if (!/^extends:/m.test(text)) return parseRecipeFile(path, text, targetSchema);
  const chain = [...by, nameOf(path)];
  const schema = extendingSchema.superRefine((own, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', path: ['extends'], message });
    if (!byName.has(own.extends)) refuse(`unknown target "${own.extends}"`);
    else if (chain.includes(own.extends)) refuse([...chain, own.extends].join(' extends '));
    else
      for (const issue of targetSchema.safeParse(merged(own)).error?.issues ?? [])
        context.addIssue({ code: 'custom', path: issue.path, message: issue.message });
  });
  const merged = ({ extends: from, ...own }: z.infer<typeof extendingSchema>): unknown => {
    const taken = Object.entries(complete(byName.get(from) as TargetFile, byName, chain));
    return { ...Object.fromEntries(taken.filter(([key]) => !OWN.includes(key))), ...own };
  };
  return targetSchema.parse(merged(parseRecipeFile(path, text, schema)));
}

/** `debian-12` of `recipes/targets/debian-12.yaml`. */
const nameOf = (path: string) => path.replace(/^.*\//, '').replace(/\.yaml$/, '');
