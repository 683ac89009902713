import { TurnbuildError } from '../../errors.ts';
import { type Exec, requireSpace } from '../../io/exec.ts';
import { programPath } from '../../io/program-path.ts';
import { type Command, formatCommand } from '../../plan/command.ts';

/** The Debian package of each program. */
const PACKAGES = {
  rpm: 'rpm',
  rpmkeys: 'rpm',
  rpmsign: 'rpm',
  createrepo_c: 'createrepo-c',
  mergerepo_c: 'createrepo-c',
} as const;

/** Runs a program that must succeed. @throws RPM_TOOLS_MISSING, RPM_TOOL_FAILED */
async function run(
  exec: Exec,
  file: keyof typeof PACKAGES,
  args: readonly string[],
  signal: AbortSignal,
  effect: 'read' | 'write' = 'read',
): Promise<string> {
  const command: Command = { file, args, env: { LC_ALL: 'C' }, effect };
  const result = await exec(command, { signal });
  const { code, stdout, stderr } = result;
  if (code === 0) return stdout;
  requireSpace(result, `the results of ${file}`);
  if (code === 127)
    throw new TurnbuildError(
      'RPM_TOOLS_MISSING',
      `${file} is not installed, so no dnf repository can be written`,
      {
        hint: `Install ${PACKAGES[file]}: turnbuild doctor --for publish --fix`,
      },
    );
  throw new TurnbuildError('RPM_TOOL_FAILED', `${file} ended with exit code ${code}:\n${stderr || stdout}`, {
    hint: `Failed command: ${formatCommand(command)}`,
  });
}

/** What identifies an .rpm. */
export interface RpmIdentity {
  name: string;
  /** `[EPOCH:]VERSION-RELEASE`. */
  version: string;
  /** `source` for a source package. */
  architecture: string;
  /** When it was built, in seconds since the epoch. */
  built: number;
  /** SHA-256 of the header, which contains the digest of the payload. A signature does not change it. */
  header: string;
}

/** Reads an .rpm. @param work an existing folder for temporary files @throws RPM_TOOL_FAILED */
export async function identify(
  exec: Exec,
  file: string,
  work: string,
  signal: AbortSignal,
): Promise<RpmIdentity> {
  const format =
    '%{NAME}\\n%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\n%|SOURCERPM?{%{ARCH}}:{source}|\\n%{SHA256HEADER}\\n%{BUILDTIME}\\n';
  const args = ['--dbpath', `${work}/rpmdb`, '--nosignature', '--nodigest', '-qp', '--qf', format, file];
  const text = await run(exec, 'rpm', args, signal);
  const [name = '', version = '', architecture = '', header = '', built = ''] = text.split('\n');
  if (/^[0-9a-f]{64}$/.test(header)) return { name, version, architecture, header, built: Number(built) };
  throw new TurnbuildError('RPM_TOOL_FAILED', `${file} has no SHA-256 digest of its header`, {
    hint: 'Build it with `turnbuild release`.',
  });
}

/** Makes a key known to `isSigned`. @param keyFile its public key, with ASCII armor */
export async function trustKey(
  exec: Exec,
  keyFile: string,
  work: string,
  signal: AbortSignal,
): Promise<void> {
  await run(exec, 'rpmkeys', ['--dbpath', `${work}/rpmdb`, '--import', keyFile], signal);
}

/** Whether an .rpm is intact and signed by the key that `trustKey` made known. */
export async function isSigned(
  exec: Exec,
  file: string,
  work: string,
  signal: AbortSignal,
): Promise<boolean> {
  const args = ['--dbpath', `${work}/rpmdb`, '--checksig', file];
  const command: Command = { file: 'rpmkeys', args, env: { LC_ALL: 'C' }, effect: 'read' };
  const { code, stdout } = await exec(command, { signal });
  // Without a signature, rpmkeys says only `digests OK`.
  return code === 0 && stdout.endsWith(': digests signatures OK');
}

/** Signs an .rpm in place. @param signer fingerprint of the key or subkey @throws SIGNING_FAILED */
export async function signRpm(exec: Exec, file: string, signer: string, signal: AbortSignal): Promise<void> {
  // rpmsign searches no PATH, and its default is another path than Debian's.
  const gpg = (await programPath('gpg')) ?? '/usr/bin/gpg';
  const settings = { __gpg: gpg, _gpg_name: `${signer}!`, _gpg_digest_algo: 'sha512' };
  const defines = Object.entries(settings).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  await run(exec, 'rpmsign', [...defines, '--addsign', file], signal, 'read').catch((error: unknown) => {
    if (!(error instanceof TurnbuildError) || error.code !== 'RPM_TOOL_FAILED') throw error;
    throw new TurnbuildError('SIGNING_FAILED', error.message, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  });
}

/** Writes the metadata of the packages in a folder. @param prefix of their paths in the metadata */
export async function describeFolder(
  exec: Exec,
  dir: string,
  prefix: string,
  signal: AbortSignal,
): Promise<void> {
  const args = [
    '--quiet',
    '--no-database',
    '--general-compress-type',
    'gz',
    '--location-prefix',
    prefix,
    dir,
  ];
  await run(exec, 'createrepo_c', args, signal);
}

/** Merges the metadata of two folders into a third one. */
export async function mergeMetadata(
  exec: Exec,
  { from, into }: { from: readonly string[]; into: string },
  signal: AbortSignal,
): Promise<void> {
  const repos = from.flatMap((dir) => ['--repo', dir]);
  const options = [
    '--all',
    '--omit-baseurl',
    '--no-database',
    '--nogroups',
    '--noupdateinfo',
    '--compress-type',
    'gz',
  ];
  await run(exec, 'mergerepo_c', [...options, '--outputdir', into, ...repos], signal);
}
