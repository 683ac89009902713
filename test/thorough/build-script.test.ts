import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/sandbox.ts';

const script = readFileSync(new URL('../../recipes/docker/build/build.sh', import.meta.url), 'utf8');
const lineOf = (feature: string) =>
  new RegExp(`^.*echo ${feature} yes.*$`, 'm').exec(script)?.[0] ?? 'exit 99';

/** The features that the build detects in a turnserver with this code. */
function stopSignal(code: string): string {
  const dir = temporaryFolder();
  mkdirSync(join(dir, 'src/apps/relay'), { recursive: true });
  writeFileSync(join(dir, 'src/apps/relay/mainrelay.c'), `int main(void)\n{\n${code}\n}\n`);
  return spawnSync('sh', ['-c', lineOf('stop-signal')], { cwd: dir, encoding: 'utf8' }).stdout.trim();
}

describe('build.sh detects whether turnserver handles SIGTERM:', () => {
  it.each([
    ['a libevent handler', 'ev = evsignal_new(base, SIGTERM, shutdown_handler, NULL);'],
    [
      'a libevent handler over several lines',
      'ev = evsignal_new(turn_params.listener.event_base,\n    SIGTERM, stop, NULL);',
    ],
    ['sigaction', 'sigaction(SIGTERM, &action, NULL);'],
    ['signal', 'signal( SIGTERM , stop );'],
    ['a list of signals', 'static const int stop_signals[] = {SIGINT,\n SIGTERM};'],
  ])('yes for %s', (_, code) => expect(stopSignal(code)).toBe('stop-signal yes'));

  it.each([
    ['no mention', 'return 0;'],
    ['a comment', '/* SIGTERM ends the server */ return 0;'],
    ['a sent SIGTERM', 'kill(pid, SIGTERM);'],
    ['a message', 'printf("stop it with SIGTERM");'],
    ['a handler of another signal before it', 'signal(SIGPIPE, SIG_IGN); kill(pid, SIGTERM);'],
  ])('no for %s', (_, code) => expect(stopSignal(code)).toBe('stop-signal no'));
});

describe('build.sh detects what turnserver does on a signal', () => {
  it.each([
    ['drain', '\0Draining then terminating on signal %d\0', 'drain yes'],
    ['drain', '\0drop\0', 'drain no'],
    ['reload', '\0Reloading TLS certificates and keys\n\0', 'reload yes'],
    ['reload', '\0Loading TLS certificates\0', 'reload no'],
  ])('%s: %s', (feature, text, expected) => {
    const file = join(temporaryFolder(), 'turnserver');
    writeFileSync(file, Buffer.concat([Buffer.from([0x7f, 0xff, 0]), Buffer.from(text)]));
    const line = lineOf(feature).replace('/stage/usr/bin/turnserver', file);
    expect(spawnSync('sh', ['-c', line], { encoding: 'utf8' }).stdout.trim()).toBe(expected);
  });
});

describe('build.sh detects calls of functions', () => {
  const calls = /^calls\(\) .*$/m.exec(script)?.[0] ?? 'exit 99';
  const found = (symbols: string, name: string) => {
    const dir = temporaryFolder();
    writeFileSync(join(dir, 'symbols'), `${symbols}\n`);
    const { status } = spawnSync('sh', [
      '-c',
      `${calls.replace('/tmp/symbols', `${dir}/symbols`)}\ncalls '${name}'`,
    ]);
    return status === 0;
  };

  it.each([
    [
      'of a shared library',
      '  9: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND MHD_start_daemon',
      'MHD_start_daemon',
    ],
    [
      'with a symbol version',
      '  9: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND sd_notify@LIBSYSTEMD_209 (5)',
      'sd_notify',
    ],
    [
      'of a statically linked library',
      '  9: 000000000001f2a0  1834 FUNC    GLOBAL DEFAULT   14 MHD_start_daemon',
      'MHD_start_daemon',
    ],
    [
      'by a pattern',
      '  9: 000000000001f2a0    34 FUNC    LOCAL  HIDDEN    14 redisAsyncConnect',
      'redis[A-Za-z]*Connect[A-Za-z]*',
    ],
  ])('%s', (_, symbols, name) => expect(found(symbols, name)).toBe(true));

  it.each([
    ['another function', '  9: 000000000001f2a0  1834 FUNC    GLOBAL DEFAULT   14 MHD_start_daemons'],
    [
      'the end of another function',
      '  9: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND my_MHD_start_daemon',
    ],
    ['data with that name', '  9: 000000000001f2a0     8 OBJECT  GLOBAL DEFAULT   24 MHD_start_daemon'],
  ])('but not of %s', (_, symbols) => expect(found(symbols, 'MHD_start_daemon')).toBe(false));
});
