import { TurnbuildError } from '../errors.ts';

/** Neither an option nor this machine names a mirror of the Debian archive. */
export function mirrorUnknown(): TurnbuildError {
  return new TurnbuildError('MIRROR_UNKNOWN', 'Nothing says where the Debian archive is', {
    hint: 'Set it with --mirror URL. On Debian the default comes from /etc/apt.',
  });
}

/** No provider has what was asked for; says what there is. */
export function versionNotFound(
  request: string,
  where: string,
  versions: readonly string[],
  remark = '',
): TurnbuildError {
  const list = versions.length === 0 ? '' : ` It has ${[...new Set(versions)].join(', ')}.`;
  return new TurnbuildError('SOURCE_NOT_FOUND', `${where} has no coturn ${request}.${list}${remark}`, {
    hint: 'Choose another version, or give the tarball: --source FILE.',
  });
}
