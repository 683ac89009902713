import { TurnbuildError } from '../errors.ts';

/** Neither --mirror nor /etc/apt names a mirror of the Debian archive. */
export function mirrorUnknown(): TurnbuildError {
  return new TurnbuildError('MIRROR_UNKNOWN', 'No mirror of the Debian archive is configured', {
    hint: 'Set one with --mirror URL. On Debian the default comes from /etc/apt.',
  });
}

/** Debian's security updates cannot be looked up: without them, outdated packages would appear to be up to date. */
export function securityMirrorUnknown(): TurnbuildError {
  return new TurnbuildError('MIRROR_UNKNOWN', "No mirror of Debian's security updates is configured", {
    hint: 'Set one with --mirror debian-security=URL. On Debian the default comes from /etc/apt.',
  });
}

/** The provider lacks the requested version. Lists the versions that it has. */
export function versionNotFound(
  request: string,
  where: string,
  versions: readonly string[],
  remark = '',
): TurnbuildError {
  const list = versions.length === 0 ? '' : ` Available: ${[...new Set(versions)].join(', ')}.`;
  return new TurnbuildError('SOURCE_NOT_FOUND', `${where} has no coturn ${request}.${list}${remark}`, {
    hint: 'Choose another version, or pass the tarball with --source FILE.',
  });
}
