import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TurnbuildError, usageError } from '../errors.ts';
import { type Exec, requireSpace, SECRET_VARIABLES } from './exec.ts';
import { diskErrors, naming, readText } from './files.ts';
import { withWorkFolder } from './work-folder.ts';

/** A secret key that is given as text, e.g. a secret of a CI system. */
export interface GivenKey {
  /** The secret key with ASCII armor. */
  key: string;
  /** Its passphrase; undefined if it has none. */
  passphrase: string | undefined;
  /** The variable or file that it comes from. */
  from: string;
}

/** Environment variables of a given key. No program inherits them: src/io/exec.ts. */
const [KEY, PASSPHRASE] = SECRET_VARIABLES;

/** Environment variable that names a file with a key. */
const KEY_FILE = 'TURNBUILD_SIGNING_KEY_FILE';

/**
 * The key in the environment, or in the file that it names, if there is one.
 * @throws OPTION_INVALID if there are both; FILE_ERROR; system errors of reading the file
 */
export async function givenKey(env: NodeJS.ProcessEnv = process.env): Promise<GivenKey | undefined> {
  const { [KEY]: key = '', [PASSPHRASE]: passphrase, [KEY_FILE]: file = '' } = env;
  const isGiven = key.trim() !== '';
  if (file === '') return isGiven ? { key, passphrase, from: KEY } : undefined;
  if (!isGiven) return { key: await readText(file), passphrase, from: file };
  throw usageError('OPTION_INVALID', `Both ${KEY} and ${KEY_FILE} are set`, 'Set only one of them.');
}

/**
 * Provides a GnuPG home that has only a given key. It is removed afterwards, and so are those of killed runs.
 * @param use receives an exec whose programs use this home, and the fingerprint of the primary key
 * @throws SIGNING_KEY_INVALID, GPG_MISSING
 */
export async function withGivenKey<T>(
  exec: Exec,
  { key, passphrase = '', from }: GivenKey,
  use: (exec: Exec, fingerprint: string) => Promise<T>,
): Promise<T> {
  // Not in the cache: the path of the agent's socket, in the home, is limited to 108 bytes.
  return withWorkFolder(tmpdir(), 'turnbuild-gpg', (home) =>
    withHome(exec, { key, passphrase, from }, home, use),
  );
}

async function withHome<T>(
  exec: Exec,
  { key, passphrase, from }: { key: string; passphrase: string; from: string },
  home: string,
  use: (exec: Exec, fingerprint: string) => Promise<T>,
): Promise<T> {
  const own: Exec = (command, options) =>
    exec({ ...command, env: { ...command.env, GNUPGHOME: home } }, options);
  try {
    const file = join(home, 'passphrase');
    await diskErrors(naming(file, writeFile(file, passphrase, { mode: 0o600, flag: 'wx' })));
    // Applies to rpmsign as well, which calls gpg.
    const settings = join(home, 'gpg.conf');
    const text = `pinentry-mode loopback\npassphrase-file ${file}\n`;
    await diskErrors(naming(settings, writeFile(settings, text, { mode: 0o600 })));
    return await use(own, await imported(own, { key, from }, home));
  } finally {
    await own({ file: 'gpgconf', args: ['--kill', 'all'], effect: 'read' });
  }
}

async function imported(
  exec: Exec,
  { key, from }: { key: string; from: string },
  home: string,
): Promise<string> {
  const args = ['--batch', '--no-tty', '--status-fd', '1', '--import'];
  const command = { file: 'gpg', args, env: { LC_ALL: 'C' }, effect: 'read' } as const;
  const result = await exec(command, { input: `${key.trim()}\n` });
  const { code, stdout } = result;
  if (code === 127)
    throw new TurnbuildError('GPG_MISSING', 'gpg is not installed, so nothing can be signed', {
      hint: 'Install gpg and gpg-agent: turnbuild doctor --for publish --fix',
    });
  requireSpace(result, home);
  // GnuPG, doc/DETAILS: the flag 16 means that the key has a secret part.
  const secrets = [...stdout.matchAll(/^\[GNUPG:\] IMPORT_OK (\d+) ([0-9A-F]+)$/gm)].filter(
    ([, flags]) => (Number(flags) & 16) !== 0,
  );
  const [found, ...others] = new Set(secrets.map(([, , fingerprint = '']) => fingerprint));
  if (found !== undefined && others.length === 0) return found;
  throw new TurnbuildError('SIGNING_KEY_INVALID', `${from} does not contain exactly one secret key`, {
    hint: `It should be the output of: gpg --armor --export-secret-keys FINGERPRINT. Put its passphrase in ${PASSPHRASE}.`,
  });
}
