import { checkUserData, cloudOf } from '../config/machine/check.ts';
import type { Problem } from '../config/machine/reader.ts';
import { toSarif } from '../config/sarif.ts';
import { EXIT, usageError } from '../errors.ts';
import { readUserData } from '../io/configuration-file.ts';
import type { Cloud } from '../recipe/machine.ts';
import { parseCloud } from '../run/machine-options.ts';
import { listOption } from '../run/options.ts';
import { packageVersion } from '../run/recipes.ts';
import { plural, printable } from '../ui/format.ts';
import type { Output } from '../ui/output.ts';
import { addressOf } from './file-address.ts';
import type { LintOptions } from './lint-config.ts';

const RULE = 'invalid-settings';
const RULES = {
  [RULE]: {
    reason:
      'turn-agent refuses a document that has a problem. The last good settings stay in force; if there are none, coturn does not start.',
    hint: 'See "Settings" in docs/images.md.',
  },
};

/** `turnbuild lint-config --user-data FILE`: exit code 1 if turn-agent would refuse the settings document. */
export async function lintUserData(
  file: string,
  options: LintOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const given = cloudOption(options);
  const document = await readUserData(file, signal);
  const cloud = given ?? cloudOf(document);
  const problems = checkUserData(document, cloud, new Date());
  if (options.sarif === true) {
    const findings = problems.map((problem) => ({ ...problem, rule: RULE, message: textOf(problem) }));
    output.data(
      toSarif(findings, { uri: addressOf(file), turnbuildVersion: await packageVersion(), rules: RULES }),
    );
  } else if (options.json === true) output.data({ file, cloud, findings: problems.map(toJson) });
  else for (const line of describe(file, cloud, problems)) output.line(line);
  return problems.length > 0 ? EXIT.failed : EXIT.ok;
}

/** The cloud of `--cloud`. @throws CLOUD_UNKNOWN, OPTION_INVALID */
function cloudOption({ cloud }: LintOptions): Cloud | undefined {
  const [first, second] = listOption(cloud)?.map(parseCloud) ?? [];
  if (second === undefined) return first;
  throw usageError(
    'OPTION_INVALID',
    '--cloud takes one cloud with --user-data',
    'Check the document once for each cloud.',
  );
}

const textOf = ({ path, message }: Problem) => `${path}: ${message}`;

/** A finding of `--json`. Every finding has every key; line and column are null if unknown. */
function toJson({ path, level, line, column, message }: Problem): object {
  return { path, level, line: line ?? null, column: column ?? null, message };
}

function describe(file: string, cloud: Cloud, problems: readonly Problem[]): string[] {
  // A line break in the name could look like a finding.
  const name = printable(file);
  const lines = problems.map((problem) => {
    const place = problem.line === undefined ? name : `${name}:${problem.line}:${problem.column ?? 1}`;
    return `${place}: ${problem.level}: ${textOf(problem)}`;
  });
  return [...lines, `${plural(problems.length, 'error')}, for ${cloud}`];
}
