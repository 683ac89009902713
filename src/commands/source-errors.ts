import { TurnbuildError } from '../errors.ts';

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
