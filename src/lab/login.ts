import { spawn } from 'node:child_process';

/** An attempt to log in over SSH with a key. */
export interface Login {
  user: string;
  address: string;
  /** Path of the private key. */
  key: string;
  /** The command to run. */
  command: string;
  /** Seconds for the connection and the first answers of the server, which take long under emulation. */
  connectSeconds: number;
}

/** Milliseconds for the whole attempt. */
const LOGIN_MS = 60_000;

const OPTIONS = [
  'BatchMode=yes',
  'IdentitiesOnly=yes',
  'IdentityAgent=none',
  'LogLevel=ERROR',
  // The machine has made its host keys a moment ago. Whether it keeps them is checked inside.
  'StrictHostKeyChecking=no',
  'UserKnownHostsFile=/dev/null',
];

/** Arguments of OpenSSH's client. Neither settings nor keys of the machine that it runs on are used. */
export function loginArgs({ user, address, key, command, connectSeconds }: Login): string[] {
  return [
    ...['-F', 'none', '-i', key],
    ...[...OPTIONS, `ConnectTimeout=${connectSeconds}`].flatMap((option) => ['-o', option]),
    `${user}@${address}`,
    command,
  ];
}

/** Logs in and runs a command. Returns what it printed, or the last line of the client's complaint. */
export function logIn(login: Login): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('ssh', loginArgs(login), { stdio: ['ignore', 'pipe', 'pipe'], timeout: LOGIN_MS });
    let out = '';
    let errors = '';
    child.stdout.on('data', (chunk) => (out += String(chunk)));
    child.stderr.on('data', (chunk) => (errors += String(chunk)));
    child.once('error', reject);
    child.once('close', (code) => {
      const complaint = errors.trim().split('\n').at(-1) ?? '';
      resolve(code === 0 ? out.trim() : complaint === '' ? `ssh ended with ${code}` : complaint.trim());
    });
  });
}
