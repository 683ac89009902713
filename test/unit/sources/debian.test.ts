import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TurnbuildError } from '../../../src/errors.ts';
import * as files from '../../../src/io/files.ts';
import { selectVersion } from '../../../src/sources/choice.ts';
import { findInSuites } from '../../../src/sources/debian.ts';
import type { DebianSource } from '../../../src/sources/debian-archive.ts';
import { temporaryFolder } from '../../support/sandbox.ts';

const source = (version: string, suite: string): DebianSource => ({
  version,
  suite,
  url: `https://debian.example/${version}`,
  sha256: 'a'.repeat(64),
  size: 1,
});
const archive: Record<string, DebianSource[]> = {
  bookworm: [source('4.6.1', 'bookworm')],
  trixie: [source('4.6.1', 'trixie')],
  sid: [source('4.18.0', 'sid')],
};
const find = async (request: string, suites = archive) => {
  const asked: string[] = [];
  const found = await findInSuites(
    request,
    (versions) => selectVersion(request, versions, () => true),
    async (names) => {
      asked.push(...names);
      return names.flatMap((name) => {
        const list = suites[name];
        if (list === undefined)
          throw new TurnbuildError('DOWNLOAD_FAILED', `${name} could not be downloaded: HTTP 404 Not Found`);
        return list;
      });
    },
  );
  return { ...found, asked };
};

describe('versions of the Debian archive', () => {
  it('come from its releases if one matches, without reading unstable', async () => {
    expect(await find('latest')).toMatchObject({ version: '4.6.1', asked: ['bookworm', 'trixie'] });
    expect(await find('^4.6.0')).toMatchObject({ version: '4.6.1', asked: ['bookworm', 'trixie'] });
  });

  it('come from unstable if no release matches', async () => {
    expect(await find('4.18.0')).toMatchObject({ suite: 'sid' });
    expect(await find('>=4.10.0')).toMatchObject({ version: '4.18.0', suite: 'sid' });
  });

  it('give an error if none matches, also on a mirror without unstable', async () => {
    await expect(find('4.9.0')).rejects.toThrow(/no coturn 4\.9\.0\. Available: 4\.6\.1, 4\.18\.0/);
    const { sid: _, ...released } = archive;
    await expect(find('4.18.0', released)).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringMatching(/no coturn 4\.18\.0\. Available: 4\.6\.1\b/),
    });
  });

  it('give the reason if unstable cannot be read', async () => {
    const cut = new TurnbuildError('DOWNLOAD_FAILED', 'sid could not be downloaded in 6 tries: ECONNRESET');
    const work = findInSuites(
      '4.18.0',
      () => undefined,
      async (names) => {
        if (names.includes('sid')) throw cut;
        return [];
      },
    );
    await expect(work).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringMatching(
        /no coturn 4\.18\.0\. Its unstable suite could not be read: .*ECONNRESET/,
      ),
    });
  });
});

describe('a cached tarball', () => {
  it('is intact only if its sha256 matches', async () => {
    const file = join(temporaryFolder(), 'tarball');
    const text = 'the very bytes';
    writeFileSync(file, text);
    expect(await files.isIntact(file, files.sha256Text(text))).toBe(true);
    writeFileSync(file, 'other bytes');
    expect(await files.isIntact(file, files.sha256Text(text))).toBe(false);
    expect(await files.isIntact(`${file}.missing`, files.sha256Text(text))).toBe(false);
  });
});
