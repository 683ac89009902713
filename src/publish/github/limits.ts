import { TurnbuildError } from '../../errors.ts';
import type { ReleaseFile } from './steps.ts';

/** GitHub Docs, "About releases": "Storage and bandwidth quotas". A file must be smaller than the first. */
const MAX_ASSET = 2 * 1024 ** 3;
const MAX_ASSETS = 1000;

/** Requires that GitHub accepts a release's files. @throws GITHUB_LIMIT_EXCEEDED */
export function requireWithinLimits(tag: string, files: readonly Pick<ReleaseFile, 'name' | 'size'>[]): void {
  // Signatures, whose size is not known yet, are small.
  const large = files.filter(({ size = 0 }) => size >= MAX_ASSET);
  const [problem] = [
    ...large.map(({ name, size }) => `${name} has ${size} bytes; a file must be smaller than 2 GiB`),
    ...(files.length > MAX_ASSETS ? [`it has ${files.length} files; the maximum is ${MAX_ASSETS}`] : []),
  ];
  if (problem === undefined) return;
  throw new TurnbuildError('GITHUB_LIMIT_EXCEEDED', `GitHub would not accept ${tag}: ${problem}`, {
    hint: 'Publish fewer targets or architectures to GitHub (--target, --arch), or leave it out of --to.',
  });
}
