import { expect, it } from 'vitest';
import { buildError } from '../../../src/stages/shared/build-error.ts';

it.each<[string, string[], string, RegExp, RegExp]>([
  [
    "the script's first error, with the output before it",
    ['#9 1.2 cc: no such file', '#9 DONE 2.0s', '#9 1.3 turnbuild-error: COMPILE_FAILED: make ended with 2'],
    'COMPILE_FAILED',
    /^make ended with 2\ncc: no such file$/,
    /compiler's first error/,
  ],
  [
    "the script's first error, without the output of buildx and of other build steps",
    [
      '#1 [internal] load build definition from Dockerfile',
      '#1 transferring dockerfile: 21.32kB done',
      '#8 1.1 Setting up lintian',
      '#12 [inspect-run 3/3] RUN sh /turnbuild/inspect.sh',
      '#12 0.1 said before it',
      '#9 3.0 Setting up systemd',
      '#12 0.2 turnbuild-error: DEB_INVALID: the control files unpack to more than 16 MiB',
      '#12 ERROR: process "/bin/sh -c sh /turnbuild/inspect.sh" did not complete: exit code: 1',
      '0.2 turnbuild-error: DEB_INVALID: the control files unpack to more than 16 MiB',
    ],
    'DEB_INVALID',
    /^the control files unpack to more than 16 MiB\nsaid before it$/,
    /log/,
  ],
  [
    "the script's error alone if no output precedes it",
    ['#9 1.3 turnbuild-error: DEB_INVALID: x'],
    'DEB_INVALID',
    /^x$/,
    /log/,
  ],
  [
    'a full disk',
    ['#9 ERROR: write /x: no space left on device'],
    'DISK_FULL',
    /^build:x:arm64: no space left on the builder's disk\n/,
    /docker buildx prune/,
  ],
  [
    'a full disk before the error of the script that it has stopped',
    [
      '#9 1.2 /tmp/a.s: Fatal error: a.o: No space left on device',
      '#9 1.3 turnbuild-error: COMPILE_FAILED: make ended with 2',
    ],
    'DISK_FULL',
    /^build:x:arm64: no space left on the builder's disk\n.*Fatal error/,
    /docker buildx prune/,
  ],
  [
    "an error of a script beside another step's full disk",
    ['#8 1.2 No space left on device', '#9 1.3 turnbuild-error: COMPILE_FAILED: make ended with 2'],
    'COMPILE_FAILED',
    /^make ended with 2$/,
    /compiler's first error/,
  ],
  [
    'an unsafe result, whatever its files are called',
    ['#9 1.2 x: No space left on device', '#9 1.3 turnbuild-error: RESULT_UNSAFE: a link'],
    'RESULT_UNSAFE',
    /^a link\n/,
    /malicious/,
  ],
  [
    'an old QEMU',
    ["#9 1.0 can't apply max-arm-cpu.pauth-impdef=on: Property 'max-arm-cpu.pauth-impdef' not found"],
    'QEMU_TOO_OLD',
    /older than 6\.0/,
    /--builder with a native node/,
  ],
  [
    'a platform without QEMU',
    ['#9 0.1 exec /bin/sh: exec format error'],
    'PLATFORM_UNSUPPORTED',
    /cannot run programs/,
    /doctor --fix/,
  ],
  [
    'an unreachable package archive',
    ['#9 1.0 E: Failed to fetch https://example.org/InRelease'],
    'NETWORK_FAILED',
    /the builder cannot reach the package archive/,
    /builder's network/,
  ],
  [
    'a missing builder',
    ['ERROR: no builder "farm" found'],
    'BUILDER_UNKNOWN',
    /^build:x:arm64: There is no buildx builder "farm"$/,
    /docker buildx ls/,
  ],
  [
    'an unreachable engine',
    [
      'ERROR: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    ],
    'DOCKER_UNAVAILABLE',
    /^build:x:arm64: No Docker engine is reachable\nERROR: Cannot connect/,
    /turnbuild doctor/,
  ],
  [
    'a socket that denies access',
    [
      'ERROR: permission denied while trying to connect to the Docker daemon socket at unix:///run/docker.sock',
    ],
    'DOCKER_REFUSED',
    /denies access to this user/,
    /group/,
  ],
  ['any other failure', ['#9 1.0 boo'], 'BUILD_FAILED', /^build:x:arm64: the build failed\nboo$/, /log/],
])('buildError reports %s', (_, lines, code, message, hint) => {
  const error = buildError('build:x:arm64', lines);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
  expect(error.hint).toMatch(hint);
});
