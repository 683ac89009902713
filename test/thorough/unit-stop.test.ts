import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { renderTemplate } from '../../src/packaging/template.ts';
import { packageLayout } from '../../src/plan/layout.ts';

// Runs the unit's drain command as systemd would, with processes that react in different ways.
const template = readFileSync(
  new URL('../../recipes/packaging/common/coturn.service', import.meta.url),
  'utf8',
);
const render = (...features: string[]) =>
  renderTemplate(template, {
    values: { minPort: 1, maxPort: 2, nofile: 3, ...packageLayout('deb') },
    options: new Set(),
    metrics: new Set(),
    features: new Set(features),
  });
const script =
  /^ExecStop=-\/bin\/sh -c '(.*)'$/m.exec(render('drain'))?.[1]?.replaceAll('$$', '$') ?? 'exit 99';

let server: ChildProcess | undefined;
afterEach(() => server?.kill('SIGKILL'));

/** A process with a reaction to the drain signal; it prints a line when it is ready. */
async function start(handler: string): Promise<number> {
  server = spawn('bash', ['-c', `trap '${handler}' USR1; echo ready; while :; do sleep 0.1; done`]);
  await new Promise((resolve) => server?.stdout?.once('data', resolve));
  return server.pid ?? 0;
}

/** Runs the command. Returns its exit code. */
function stop(pid: number, seconds: number): Promise<number | null> {
  const env = { ...process.env, MAINPID: String(pid), DRAIN_SECONDS: String(seconds) };
  const child = spawn('sh', ['-c', script], { env, stdio: 'ignore' });
  return new Promise((resolve) => child.once('exit', resolve));
}

it('ExecStop waits until the last session has ended', async () => {
  const pid = await start('sleep 1; exit 0');
  expect(await stop(pid, 60)).toBe(0);
  expect(server?.exitCode).toBe(0);
});

it('ExecStop waits no longer than DRAIN_SECONDS and leaves the server to systemd', async () => {
  const pid = await start(':');
  expect(await stop(pid, 1)).toBe(124);
  expect(server?.exitCode).toBeNull();
  expect(() => process.kill(pid, 0)).not.toThrow();
});

it('ExecStop fails if turnserver has already exited', async () => {
  const pid = await start('exit 0');
  process.kill(pid, 'SIGKILL');
  await new Promise((resolve) => server?.once('exit', resolve));
  expect(await stop(pid, 60)).not.toBe(0);
});

it('ExecReload sends SIGUSR2 and is only in the unit of a turnserver that handles it', () => {
  expect(render('reload')).toMatch(/^ExecReload=\/bin\/sh -c 'kill -USR2 "\$\$MAINPID"'$/m);
  expect(render('drain')).not.toMatch(/ExecReload|USR2/);
});

it('ExecStop is only in the unit of a turnserver that drains', () => {
  expect(render('systemd', 'drain')).toMatch(/^Type=notify$/m);
  expect(render('systemd')).not.toMatch(/ExecStop|DRAIN|TimeoutStopSec|SuccessExitStatus/);
  expect(render()).toMatch(/^Type=exec$/m);
});
