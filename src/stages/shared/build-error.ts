import { TurnbuildError } from '../../errors.ts';
import { dockerFailure } from '../../plan/docker-failure.ts';
import { diskFull, machineError } from './machine-error.ts';

/** Last lines of a failed build that go into the error. */
const TAIL_LINES = 25;

const OWN_ERROR = /turnbuild-error: ([A-Z_]+): (.*)$/;

const LOG_HINT = "The step's log has the complete output.";

/**
 * Extracts the reason of a failure from buildx's output.
 * @param id of the step
 * @param lines all of its output
 * @returns DISK_FULL, the error reported by the build script, or else by the builder, its machine or its network, or else BUILD_FAILED
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
    // Only lines of the same Dockerfile step: others run in parallel.
    const step = /^#\d+ /.exec(lines[at] ?? '')?.[0] ?? '';
    const printed = text.slice(0, at).filter((_, index) => lines[index]?.startsWith(step));
    // Scripts report what failed, not that the disk is full. Files of a package must not hide that it is unsafe.
    const full = code === 'RESULT_UNSAFE' ? undefined : diskFull(id, printed, BUILDER_DISK);
    if (full !== undefined) return full;
    const before = printed
      // buildx's own progress lines don't contain the reason.
      .filter((line) => !/^(DONE|CACHED)\b|^\[.*\d\/\d\]|^\s*$/.test(line))
      .slice(-TAIL_LINES);
    return new TurnbuildError(code, [message, ...before].join('\n'), { hint: HINTS[code] ?? LOG_HINT });
  }
  const machine = machineError(id, lines, BUILDER_DISK, BUILDER_QEMU);
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

/** Lines in which Docker's client reports an unreachable engine or builder. */
const DOCKER_FAILURE =
  /no builder .* found|cannot connect to the docker daemon|error during connect|connection refused.*docker|permission denied.*docker.*sock/i;

const OTHER_FAILURES: [RegExp, string, string][] = [
  [/exec format error/i, 'PLATFORM_UNSUPPORTED', 'the builder cannot run programs of this architecture'],
  [
    /could not resolve|temporary failure resolving|failed to fetch/i,
    'NETWORK_FAILED',
    'the builder cannot reach the package archive',
  ],
];

/** Name of the disk in messages. */
export const BUILDER_DISK = "the builder's disk";
const BUILDER_QEMU =
  "Update qemu-user-static on the builder's machine, or use a --builder with a native node.";

/** Hints by error code. */
const HINTS: Record<string, string> = {
  PATCH_FAILED:
    'The patch does not apply to this version. Narrow its version range in patches/compatibility.yaml, or refresh the patch.',
  PROMETHEUS_MISSING:
    'turnbuild never builds a package without Prometheus. The output of configure names the missing library.',
  GLIBC_TOO_NEW:
    'A statically linked library or a compiler flag requires it. Provide the function in the program, or raise glibc in the recipe.',
  STATIC_LIBRARY_MISSING:
    'Add the package that contains it to `libraries`, or remove its name from `staticLibraries.names`.',
  LIBRARY_UNKNOWN: 'The bill of materials must list every library that the package needs.',
  LICENSE_UNKNOWN:
    'Add the SPDX identifier of its license to `staticLibraries.licenses`, or remove the library.',
  SYSROOT_FAILED:
    "Check that the recipe's repositories contain all of its `libraries`, and that `keys` has the key of each repository. The step's log has the complete output.",
  KEYS_MISSING: 'On Debian 13, the package distribution-gpg-keys has the keys of most distributions.',
  DISTRIBUTION_UNKNOWN: 'On RHEL, Fedora and their derivatives, add system-release.',
  SPEC_FAILED: 'The line number refers to the rendered recipes/packaging/rpm/coturn.spec.',
  IMAGE_TOO_SMALL: 'Pass a larger --size, or fewer packages with --extra-package.',
  COMPILE_FAILED: "The step's log has the compiler's first error.",
  REPOSITORY_FAILED:
    'Run the same command again: finished steps are kept. --no-cache rebuilds the root and its repository.',
  REPOSITORY_CHANGED:
    'If the mirror has just been updated, run the same command again. Otherwise the mirror is inconsistent: use another --mirror.',
  ROOT_FAILED: "The step's log has the complete output. --no-cache rebuilds the root.",
  VERIFY_PORT_IN_USE:
    'Stop the program that listens there, or use a builder whose containers have their own network.',
  RESULT_UNSAFE: 'The package may be malicious: inspect it before you continue.',
  LAB_FILES_LIMITED:
    'Raise `default-ulimits` (nofile) in the configuration of the Docker engine. Without --full, 3,500 are enough.',
  LAB_NO_NAMESPACES:
    'The engine must let a container create and join network namespaces. That takes NET_ADMIN, SYS_ADMIN and the kernel module veth.',
  NATIVE_TOOLS_FAILED:
    '--refresh-base rebuilds the base images of both architectures from the same packages.',
  PLATFORM_UNSUPPORTED:
    'Run `turnbuild doctor --fix` to register QEMU, or use a --builder with a native node.',
  NETWORK_FAILED: "Check the builder's network, then run the same command again: finished steps are kept.",
};
