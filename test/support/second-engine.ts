import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A second Docker engine on this machine. */
export interface SecondEngine {
  /** Environment in which `docker` talks to it. */
  env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const START_MS = 60_000;

/**
 * Starts a second dockerd. Its containers use the first one's bridge.
 * @param dir holds all its files; the caller removes it
 * @param settings of its daemon.json
 */
async function startSecondEngine(dir: string, settings: Record<string, unknown>): Promise<SecondEngine> {
  mkdirSync(dir, { recursive: true });
  const configuration = join(dir, 'daemon.json');
  writeFileSync(
    configuration,
    JSON.stringify({
      ...settings,
      bridge: 'docker0',
      // The first engine has already set rules for that bridge.
      iptables: false,
      ip6tables: false,
    }),
  );
  const env = { DOCKER_HOST: `unix://${dir}/docker.sock` };
  const log = openSync(join(dir, 'log'), 'a');
  const paths = ['--data-root', 'data', '--exec-root', 'exec', '--pidfile', 'pid'];
  const args = paths.map((word) => (word.startsWith('--') ? word : join(dir, word)));
  const daemon = spawn('dockerd', ['--config-file', configuration, '--host', env.DOCKER_HOST, ...args], {
    stdio: ['ignore', log, log],
  });
  await answered(daemon, env, join(dir, 'log'));
  return { env, stop: () => stop(daemon) };
}

/** An engine like those of older installations: with its own image store, not containerd's. */
export const startClassicEngine = (dir: string) =>
  startSecondEngine(dir, { features: { 'containerd-snapshotter': false } });

/** An engine that pulls Docker Hub's images from a mirror. @param mirror its address: `localhost:5000` */
export const startMirroredEngine = (dir: string, mirror: string) =>
  startSecondEngine(dir, {
    features: { 'containerd-snapshotter': true },
    'registry-mirrors': [`http://${mirror}`],
  });

async function answered(daemon: ChildProcess, env: Record<string, string>, log: string): Promise<void> {
  const end = Date.now() + START_MS;
  while (Date.now() < end && daemon.exitCode === null) {
    try {
      execFileSync('docker', ['version'], { env: { ...process.env, ...env }, stdio: 'ignore' });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  daemon.kill('SIGKILL');
  throw new Error(`the second dockerd did not start; its log is ${log}`);
}

async function stop(daemon: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill('SIGTERM');
  await ended;
}
