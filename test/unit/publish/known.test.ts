import { describe, expect, it } from 'vitest';
import { newestIn } from '../../../src/publish/known.ts';
import type { Channel } from '../../../src/publish/plan.ts';
import type { PublishedRelease } from '../../../src/publish/published.ts';

/** @param releases the newest release of each channel, `withdrawn 4.18.0-1` if it was withdrawn */
const newest = (channel: Channel, releases: Partial<Record<Channel, string>>) =>
  newestIn(channel, {
    newest: async (each: Channel) => release(releases[each]),
  } as unknown as Parameters<typeof newestIn>[1]).then(
    (found) => found && `${found.version}-${found.revision}`,
  );

function release(text: string | undefined): PublishedRelease | undefined {
  const [, withdrawn, version, revision] = /^(withdrawn )?([\d.]+)-(\d+)$/.exec(text ?? '') ?? [];
  if (version === undefined) return undefined;
  return {
    ...{ version, revision: Number(revision) },
    ...(withdrawn === undefined ? {} : { withdrawn: 'crashes' }),
  } as PublishedRelease;
}

describe('the release that a channel is compared with', () => {
  it.each<[Channel, string | undefined, string | undefined, string | undefined]>([
    ['testing', undefined, undefined, undefined],
    ['testing', '4.19.0-1', '4.18.0-1', '4.19.0-1'],
    ['testing', '4.18.0-1', '4.18.0-2', '4.18.0-2'],
    ['testing', undefined, '4.18.0-1', '4.18.0-1'],
    // What is still offered gets rebuilds for security.
    ['testing', 'withdrawn 4.19.0-1', '4.18.0-1', '4.18.0-1'],
    ['testing', 'withdrawn 4.19.0-1', undefined, '4.19.0-1'],
    ['testing', '4.19.0-1', 'withdrawn 4.20.0-1', '4.19.0-1'],
    ['stable', '4.19.0-1', '4.18.0-1', '4.18.0-1'],
  ])('%s, with %s in testing and %s in stable', async (channel, testing, stable, expected) => {
    expect(await newest(channel, { ...(testing && { testing }), ...(stable && { stable }) })).toBe(expected);
  });
});
