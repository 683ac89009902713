import { TurnbuildError } from '../../errors.ts';
import { dockerFailure } from '../../plan/docker-failure.ts';
import { machineError } from './machine-error.ts';

/** Last lines of a failed build that go into the error. */
const TAIL_LINES = 25;

const OWN_ERROR = /turnbuild-error: ([A-Z_]+): (.*)$/;

const LOG_HINT = "The whole output is in the step's log.";

/**
 * Reads the reason out of what buildx printed.
 * @param id of the step
 * @param lines all of its output
 * @returns the error that the build's own script reported, else that of the builder, of its machine or of its network, else BUILD_FAILED
 */
export function buildError(id: string, lines: readonly string[]): TurnbuildError {
  const text = lines.map((line) => line.replace(/^#\d+ (\d+\.\d+ )?/, ''));
  const tail = text
    .filter((line) => line.trim() !== '')
    .slice(-TAIL_LINES)
    .join('\n');
  const at = text.findIndex((line) => OWN_ERROR.test(line));
  const [, code, message = ''] = OWN_ERROR.exec(text[at] ?? '') ?? [];
  if (code !== undefined) {
    // Of the same step of the Dockerfile: others run beside it, and installed what it needs.
    const step = /^#\d+ /.exec(lines[at] ?? '')?.[0] ?? '';
    const before = text
      .slice(0, at)
      .filter((_, index) => lines[index]?.startsWith(step))
      // buildx's own words say nothing about the reason.
      .filter((line) => !/^(DONE|CACHED)\b|^\[.*\d\/\d\]|^\s*$/.test(line))
      .slice(-TAIL_LINES);
    return new TurnbuildError(code, [message, ...before].join('\n'), { hint: HINTS[code] ?? LOG_HINT });
  }
  const machine = machineError(id, lines, "the builder's disk", BUILDER_QEMU);
  if (machine !== undefined) return machine;
  const docker = lines.filter((line) => DOCKER_FAILURE.test(line)).join('\n');
  if (docker !== '') {
    const { code, message, hint } = dockerFailure(docker, /no builder "?([^"\s]+)/i.exec(docker)?.[1]);
    return new TurnbuildError(code, `${id}: ${message}`, { hint });
  }
  for (const [pattern, code, message] of OTHER_FAILURES) {
    if (lines.some((line) => pattern.test(line)))
      return new TurnbuildError(code, `${id}: ${message}\n${tail}`, { hint: HINTS[code] ?? LOG_HINT });
  }
  return new TurnbuildError('BUILD_FAILED', `${id}: the build failed\n${tail}`, {
    hint: LOG_HINT,
  });
}

/** Lines in which Docker's client says that it did not reach its engine or builder. */
const DOCKER_FAILURE =
  /no builder .* found|cannot connect to the docker daemon|error during connect|connection refused.*docker|permission denied.*docker.*sock/i;

const OTHER_FAILURES: [RegExp, string, string][] = [
  [/exec format error/i, 'PLATFORM_UNSUPPORTED', 'the builder cannot run programs of this architecture'],
  [
    /could not resolve|temporary failure resolving|failed to fetch/i,
    'NETWORK_FAILED',
    'the package archive could not be reached from the builder',
  ],
];

const BUILDER_QEMU =
  'Update qemu-user-static on the machine of the builder, or use a --builder with a native node.';

/** What to do about an error, by its code. */
const HINTS: Record<string, string> = {
  PATCH_FAILED:
    'The patch is for other versions: narrow its range in patches/compatibility.yaml, or refresh it.',
  PROMETHEUS_MISSING: 'A package without Prometheus is never made. See which library configure did not find.',
  GLIBC_TOO_NEW:
    'A library that is linked in, or a flag of the compiler, brings it: give the program its own function, or raise glibc in the recipe.',
  STATIC_LIBRARY_MISSING:
    'Add the package that has it to `libraries`, or take the name out of `staticLibraries.names`.',
  LIBRARY_UNKNOWN: 'What a package needs has to be known, for its bill of materials.',
  LICENSE_UNKNOWN: 'Add it with its SPDX name, or leave the library out.',
  SYSROOT_FAILED:
    "Are all of the recipe's `libraries` in its repositories, and is the key of each among its `keys`? The whole output is in the step's log.",
  KEYS_MISSING: 'On Debian 13 distribution-gpg-keys has those of most distributions.',
  DISTRIBUTION_UNKNOWN: 'Distributions of rpms have it in system-release.',
  SPEC_FAILED: 'The line is of the rendered recipes/packaging/rpm/coturn.spec.',
  COMPILE_FAILED: "The compiler's first error is in the step's log.",
  REPOSITORY_FAILED:
    'Run the same command again: finished steps are kept. --no-cache makes the root and its repository anew.',
  REPOSITORY_CHANGED:
    'If its mirror has just been updated, run the same command again. Otherwise the mirror does not show the same to everybody: use another --mirror.',
  ROOT_FAILED: "The whole output is in the step's log. --no-cache makes the root anew.",
  VERIFY_PORT_IN_USE:
    'Stop what listens there, or use a builder whose containers have a network of their own.',
  RESULT_UNSAFE: 'The package may be hostile: look into it before you go on.',
  LAB_FILES_LIMITED:
    'Raise `default-ulimits` (nofile) in the configuration of the Docker engine. Without --full it takes 3,500.',
  LAB_NO_NAMESPACES:
    'The engine must let a container make network namespaces and join them: NET_ADMIN, SYS_ADMIN, and the kernel module veth.',
  NATIVE_TOOLS_FAILED:
    '--refresh-base makes the base images of both architectures anew, of the same packages.',
  PLATFORM_UNSUPPORTED:
    'Run `turnbuild doctor --fix` to register QEMU, or use a --builder with a native node.',
  NETWORK_FAILED: "Check the builder's network, then run the same command again: finished steps are kept.",
};
