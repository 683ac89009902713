import { join } from 'node:path';
import { type Acceptance, isRule } from '../config/accepted.ts';
import { type Finding, RULES, type RuleId } from '../config/finding.ts';
import { lintConfig } from '../config/lint.ts';
import { OptionTableError, parseOptionTable } from '../config/option-table.ts';
import { toSarif } from '../config/sarif.ts';
import { loadStrength } from '../config/strength.ts';
import { EXIT, nearestName, TurnbuildError, usageError } from '../errors.ts';
import { readConfigurationFile } from '../io/configuration-file.ts';
import { readText } from '../io/files.ts';
import { quarantineOf } from '../recipe/advisories.ts';
import { fetchShown } from '../run/fetch-shown.ts';
import { type CommonOptions, listOption } from '../run/options.ts';
import { openProject } from '../run/project.ts';
import { packageVersion } from '../run/recipes.ts';
import { cacheFolder, openSession } from '../run/session.ts';
import { readSource } from '../sources/fetch.ts';
import { fileOf } from '../sources/tree.ts';
import { plural, printable } from '../ui/format.ts';
import type { Output } from '../ui/output.ts';
import { addressOf } from './file-address.ts';

/** The file with coturn's option table, in every version since 4.5. */
const TABLE_FILE = 'src/apps/relay/mainrelay.c';

export interface LintOptions extends CommonOptions {
  /** The coturn version that the configuration is for. */
  version?: string;
  sarif?: boolean;
  printDeny?: boolean;
  /** The settings document of a machine to check instead of a turnserver.conf. */
  userData?: string;
}

/** The shipped configuration. Users may copy its denied ranges. */
const SHIPPED = 'packaging/common/turnserver.conf';

/** `turnbuild lint-config --print-deny`: prints the denied ranges that the packages ship. */
export async function printDenied(options: LintOptions, output: Output): Promise<number> {
  const { dir } = (await openProject(options, cacheFolder())).recipes;
  const lines = (await readText(join(dir, SHIPPED))).split('\n');
  for (const line of lines.filter((each) => /^(denied-peer-ip=|no-multicast-peers$)/.test(each)))
    output.line(line);
  return EXIT.ok;
}

/** `turnbuild lint-config FILE --version V`: exit code 1 if a finding is an error; warnings and notes leave it at 0. */
export async function lintConfigFile(
  file: string,
  options: LintOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const text = await readConfigurationFile(file, signal);
  if (options.version === undefined && options.source === undefined) {
    throw usageError(
      'VERSION_MISSING',
      '--version is required, because options differ between coturn versions',
      'For example --version 4.18.0, or --source ./coturn-4.18.0.tar.gz.',
    );
  }
  const accepted = acceptedRules(options);
  // A quarantined release may still be running, so its configuration can be checked.
  const exact = options.version === undefined || /^v?\d+(\.\d+)+$/.test(options.version);
  const session = await openSession(
    { ...options, allowQuarantined: exact || options.allowQuarantined === true, unpinned: true },
    output,
    signal,
  );
  const source = await fetchShown(session, options.version);
  const table = fileOf(await readSource(source), TABLE_FILE);
  const findings = lintConfig(
    text,
    {
      version: source.version,
      options: readTable(table, source.version),
      quarantined: quarantineOf(source.version, session.recipes.quarantine)?.reason,
    },
    { strength: await loadStrength(), accepted },
  );
  if (options.sarif === true)
    output.data(toSarif(findings, { uri: addressOf(file), turnbuildVersion: await packageVersion() }));
  else if (options.json === true)
    output.data({ file, version: source.version, findings: findings.map(toJson) });
  else for (const line of describe(file, source.version, findings)) output.line(line);
  return findings.some(counts) ? EXIT.failed : EXIT.ok;
}

/** Whether a finding fails the command. */
function counts({ level, accepted }: Finding): boolean {
  return level === 'error' && accepted === undefined;
}

/** Acceptances from `--accept`. Like those in comments, they need a reason. @throws OPTION_INVALID */
function acceptedRules({ accept, reason }: LintOptions): Acceptance[] {
  const rules = listOption(accept) ?? [];
  if (rules.length > 0 && (reason ?? '').trim() === '')
    throw usageError(
      'OPTION_INVALID',
      '--accept requires a --reason',
      'It is shown with the accepted findings.',
    );
  if (rules.length === 0 && reason !== undefined)
    throw usageError('OPTION_INVALID', '--reason requires --accept');
  return rules.map((rule) => {
    if (rule === 'invalid-acceptance')
      throw usageError(
        'OPTION_INVALID',
        'invalid-acceptance cannot be accepted',
        'Correct or remove the comment that it reports.',
      );
    if (!isRule(rule)) {
      const near = nearestName(rule, Object.keys(RULES));
      throw usageError(
        'OPTION_INVALID',
        `Unknown rule "${rule}"${near === undefined ? '' : `; did you mean ${near}?`}`,
        `Rules: ${Object.keys(RULES).join(', ')}.`,
      );
    }
    return { rule, reason: reason ?? '' };
  });
}

/** A finding of `--json`. Every finding has every key; line and column are null if unknown. */
function toJson({ rule, level, line, column, message, effect, accepted }: Finding): object {
  const { reason, hint } = RULES[rule];
  return {
    ...{ rule, level, line: line ?? null, column: column ?? null, message, reason, hint },
    fatal: effect === 'fatal',
    accepted: accepted?.reason ?? null,
  };
}

function readTable(table: string | undefined, version: string): ReturnType<typeof parseOptionTable> {
  try {
    return parseOptionTable(table ?? '');
  } catch (error) {
    if (!(error instanceof OptionTableError)) throw error;
    throw new TurnbuildError(
      'OPTIONS_UNREADABLE',
      `Cannot read the options of coturn ${version} from ${TABLE_FILE}: ${error.message}`,
      { cause: error, hint: 'Please report this, with the version.' },
    );
  }
}

function describe(file: string, version: string, findings: readonly Finding[]): string[] {
  const open = findings.filter(({ accepted }) => accepted === undefined);
  // A line break in the name could look like a finding.
  const name = printable(file);
  const lines = findings.map(({ rule, level, line, column, message, accepted }) => {
    const place = line === undefined ? name : `${name}:${line}:${column ?? 1}`;
    const what = accepted === undefined ? level : `accepted (${accepted.reason})`;
    return `${place}: ${what}: ${message} [${rule}]`;
  });
  const rules = [...new Set(open.map(({ rule }) => rule))];
  const counts = (['error', 'warning', 'note'] as const).map((level) =>
    plural(open.filter((each) => each.level === level).length, level),
  );
  const accepted = findings.length - open.length;
  const sum = `${[...counts, ...(accepted === 0 ? [] : [`${accepted} accepted`])].join(', ')}, for coturn ${version}`;
  return [...lines, ...(rules.length === 0 ? [] : ['', ...rules.map(explain), '']), sum];
}

function explain(rule: RuleId): string {
  return `${rule}: ${RULES[rule].reason}\n  ${RULES[rule].hint}`;
}
