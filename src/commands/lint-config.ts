import { readFile } from 'node:fs/promises';
import { isAbsolute, relative } from 'node:path';
import type { Finding } from '../config/finding.ts';
import { lintConfig } from '../config/lint.ts';
import { OptionTableError, parseOptionTable } from '../config/option-table.ts';
import { toSarif } from '../config/sarif.ts';
import { EXIT, TurnbuildError, usageError } from '../errors.ts';
import { readSourceArchive } from '../io/source-archive.ts';
import { fileOf } from '../io/source-tree.ts';
import type { CommonOptions } from './options.ts';
import type { Output } from './output.ts';
import { packageVersion } from './recipes.ts';
import { openSession } from './session.ts';
import { fetchShown } from './source-progress.ts';

/** Where coturn's option table is, in every version since 4.5. */
const TABLE_FILE = 'src/apps/relay/mainrelay.c';
/** A turnserver.conf is a few kilobytes. */
const MAX_BYTES = 4 * 1024 * 1024;

export interface LintOptions extends CommonOptions {
  /** The coturn version that the configuration is for. */
  version?: string;
  sarif?: boolean;
}

/** `turnbuild lint-config FILE --version V`: exit code 1 if there is an error in the configuration. */
export async function lintConfigFile(
  file: string,
  options: LintOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const text = await readConfiguration(file);
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
    removed: session.recipes.options,
  });
  const shown = isAbsolute(file) ? relative(process.cwd(), file) : file;
  if (options.sarif === true)
    output.data(toSarif(findings, { file: shown, turnbuildVersion: await packageVersion() }));
  else if (options.json === true) output.data({ file, version: source.version, findings });
  else for (const line of describe(file, source.version, findings)) output.line(line);
  return findings.some(({ level }) => level === 'error') ? EXIT.failed : EXIT.ok;
}

async function readConfiguration(file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw usageError('CONFIG_NOT_FOUND', `There is no file ${file}`);
  });
  if (bytes.length > MAX_BYTES || bytes.includes(0))
    throw usageError(
      'CONFIG_INVALID',
      `${file} is not a turnserver.conf: it is no text, or larger than 4 MiB`,
    );
  return bytes.toString();
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
  const sum = `${count('error')} errors, ${count('warning')} warnings, ${count('note')} notes, for coturn ${version}`;
  return [...lines, sum];
}
