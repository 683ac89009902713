import { TurnbuildError } from '../../errors.ts';
import type { Exec } from '../../io/exec.ts';
import { writeText } from '../../io/files.ts';
import { formatCommand } from '../../plan/command.ts';
import { COMPONENT } from './layout.ts';
import { type IndexedPackage, parsePackages } from './packages-index.ts';
import type { NextSuite } from './plan.ts';

/** Digests that apt verifies. Without MD5 and SHA-1, which nothing has needed since Debian 9. */
const DIGESTS = ['MD5=false', 'SHA1=false', 'SHA256=true', 'SHA512=false'].flatMap((setting) => [
  '-o',
  `APT::FTPArchive::${setting}`,
]);

/** Describes a .deb for an index. @param file its path @throws APT_FTPARCHIVE_FAILED */
export async function describeDeb(exec: Exec, file: string, signal: AbortSignal): Promise<IndexedPackage> {
  const text = await run(exec, [...DIGESTS, 'packages', file], signal);
  const [found, ...others] = parsePackages(text);
  if (found !== undefined && others.length === 0 && found.sha256 !== '') return found;
  throw new TurnbuildError('APT_FTPARCHIVE_FAILED', `apt-ftparchive cannot read ${file}`, {
    hint: 'The package may be damaged. Run `turnbuild release`, which rebuilds damaged packages.',
  });
}

/** What a Release says about a suite. @see https://wiki.debian.org/DebianRepository/Format */
export interface ReleaseFields {
  /** Who publishes it. apt's pins and unattended upgrades select repositories by it. */
  origin: string;
  codename: string;
  /** Days for which clients accept it; undefined: for ever. */
  validFor: number | undefined;
}

/**
 * The text of a suite's Release: its fields, the date, and the digests of its indices.
 * @param work an empty folder for temporary files
 * @throws APT_FTPARCHIVE_FAILED
 */
export async function releaseText(
  exec: Exec,
  { suite, architectures, indices }: NextSuite,
  { origin, codename, validFor }: ReleaseFields,
  { work, signal }: { work: string; signal: AbortSignal },
): Promise<string> {
  for (const [path, bytes] of indices) await writeText(`${work}/${path}`, bytes);
  const fields = {
    Origin: origin,
    Label: 'coturn',
    Suite: suite,
    Codename: codename,
    Architectures: architectures.join(' '),
    Components: COMPONENT,
    Description: `coturn for ${codename}`,
    'Acquire-By-Hash': 'yes',
    // In seconds. It sets Valid-Until.
    ...(validFor === undefined ? {} : { ValidTime: validFor * 24 * 60 * 60 }),
  };
  const options = Object.entries(fields).flatMap(([name, value]) => [
    '-o',
    `APT::FTPArchive::Release::${name}=${value}`,
  ]);
  const text = await run(exec, [...DIGESTS, ...options, 'release', work], signal);
  // apt-ftparchive ignores options that it does not know.
  if (validFor === undefined || /^Valid-Until: \S/m.test(text)) return text;
  throw new TurnbuildError('APT_FTPARCHIVE_FAILED', 'apt-ftparchive wrote no Valid-Until', {
    hint: 'apt-ftparchive 2.6 and 3.0 are known to work. Or leave out --valid-for.',
  });
}

async function run(exec: Exec, args: readonly string[], signal: AbortSignal): Promise<string> {
  const command = { file: 'apt-ftparchive', args, env: { LC_ALL: 'C' }, effect: 'read' } as const;
  const { code, stdout, stderr } = await exec(command, { signal });
  if (code === 127)
    throw new TurnbuildError(
      'APT_FTPARCHIVE_MISSING',
      'apt-ftparchive is not installed, so no apt repository can be written',
      { hint: 'Install apt-utils: turnbuild doctor --for publish --fix' },
    );
  if (code === 0) return `${stdout}\n`;
  throw new TurnbuildError(
    'APT_FTPARCHIVE_FAILED',
    `apt-ftparchive ended with exit code ${code}:\n${stderr}`,
    {
      hint: `Failed command: ${formatCommand(command)}`,
    },
  );
}
