import { relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Finding, RULES, type RuleId } from '../config/finding.ts';
import { lintConfig } from '../config/lint.ts';
import { OptionTableError, parseOptionTable } from '../config/option-table.ts';
import { toSarif } from '../config/sarif.ts';
import { EXIT, TurnbuildError, usageError } from '../errors.ts';
import { readConfigurationFile } from '../io/configuration-file.ts';
import { readSourceArchive } from '../io/source-archive.ts';
import { fileOf } from '../io/source-tree.ts';
import type { CommonOptions } from './options.ts';
import type { Output } from './output.ts';
import { packageVersion } from './recipes.ts';
import { openSession } from './session.ts';
import { fetchShown } from './source-progress.ts';

/** Where coturn's option table is, in every version since 4.5. */
const TABLE_FILE = 'src/apps/relay/mainrelay.c';

export interface LintOptions extends CommonOptions {
  /** The coturn version that the configuration is for. */
  version?: string;
  sarif?: boolean;
}

/** `turnbuild lint-config FILE --version V`: exit code 1 if a finding is an error; warnings and notes leave it at 0. */
export async function lintConfigFile(
  file: string,
  options: LintOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const text = await readConfigurationFile(file);
  if (options.version === undefined && options.source === undefined) {
    throw usageError(
      'VERSION_MISSING',
      'Options differ from version to version: say which one the configuration is for',
      'For example --version 4.18.0, or --source ./coturn-4.18.0.tar.gz.',
    );
  }
  const session = await openSession(options, output, signal);
  const source = await fetchShown(session, options.version);
  const table = fileOf(await readSourceArchive(source.archive), TABLE_FILE);
  const findings = lintConfig(text, {
    version: source.version,
    options: readTable(table, source.version),
  });
  if (options.sarif === true)
    output.data(toSarif(findings, { uri: addressOf(file), turnbuildVersion: await packageVersion() }));
  else if (options.json === true)
    output.data({ file, version: source.version, findings: findings.map(toJson) });
  else for (const line of describe(file, source.version, findings)) output.line(line);
  return findings.some(({ level }) => level === 'error') ? EXIT.failed : EXIT.ok;
}

/** A finding of `--json`: every key is there in each; what has no line has null. */
function toJson({ rule, level, line, column, message }: Finding): object {
  const { reason, hint } = RULES[rule];
  return { rule, level, line: line ?? null, column: column ?? null, message, reason, hint };
}

/** Relative to this folder where the file is in it, so that a report is the same on each machine. */
function addressOf(file: string): string {
  const path = relative(process.cwd(), file);
  const outside = path === '' || path.startsWith('..');
  return outside ? pathToFileURL(file).href : path.split(sep).map(encodeURIComponent).join('/');
}

function readTable(table: string | undefined, version: string): ReturnType<typeof parseOptionTable> {
  try {
    return parseOptionTable(table ?? '');
  } catch (error) {
    if (!(error instanceof OptionTableError)) throw error;
    throw new TurnbuildError(
      'OPTIONS_UNREADABLE',
      `The options of coturn ${version} can't be read out of ${TABLE_FILE}: ${error.message}`,
      { cause: error, hint: 'Please report it, with the version.' },
    );
  }
}

function describe(file: string, version: string, findings: readonly Finding[]): string[] {
  const count = (level: Finding['level']) => findings.filter((each) => each.level === level).length;
  const lines = findings.map(({ rule, level, line, column, message }) => {
    const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
    return `${place}: ${level}: ${message} [${rule}]`;
  });
  const rules = [...new Set(findings.map(({ rule }) => rule))];
  const sum = `${count('error')} errors, ${count('warning')} warnings, ${count('note')} notes, for coturn ${version}`;
  return [...lines, ...(rules.length === 0 ? [] : ['', ...rules.map(explain), '']), sum];
}

function explain(rule: RuleId): string {
  return `${rule}: ${RULES[rule].reason}\n  ${RULES[rule].hint}`;
}
