import { describe, expect, it } from 'vitest';
import { type DueFacts, decideDue, parseAsked } from '../../../src/plan/due.ts';

const library = { package: 'openssl', newest: '3.0.18-1~deb12u1', outdated: false, security: false };
const published = { version: '4.18.0', revision: 3, libraries: [library] };
const decide = (facts: Partial<DueFacts>) =>
  decideDue({ asked: undefined, published, newest: '4.18.0', firstRevision: 1, ...facts });

describe('decideDue', () => {
  it('says why nothing is due', () =>
    expect(decide({})).toEqual({
      due: false,
      version: '4.18.0',
      revision: 3,
      reason:
        'Nothing is due: coturn 4.18.0 (revision 3) is published, no newer release can be shipped, and its statically linked libraries are up to date.',
    }));

  it('releases a newer coturn, with the first revision', () =>
    expect(decide({ newest: '4.19.0', firstRevision: 2 })).toMatchObject({
      due: true,
      version: '4.19.0',
      revision: 2,
      reason: 'coturn 4.19.0 is newer than the published 4.18.0.',
    }));

  it('releases nothing older than what is published', () =>
    expect(decide({ newest: '4.17.2' })).toMatchObject({ due: false, version: '4.18.0' }));

  it('releases a new coturn rather than a rebuild of the old one', () =>
    expect(
      decide({ newest: '4.19.0', published: { ...published, libraries: [{ ...library, outdated: true }] } }),
    ).toMatchObject({ version: '4.19.0', revision: 1 }));

  it('rebuilds for outdated libraries, with the next revision', () =>
    expect(
      decide({ published: { ...published, libraries: [{ ...library, outdated: true, security: true }] } }),
    ).toMatchObject({
      due: true,
      version: '4.18.0',
      revision: 4,
      reason:
        'Statically linked libraries of coturn 4.18.0 are outdated: openssl 3.0.18-1~deb12u1 (security).',
    }));

  it.each([
    ['older', '4.17.2'],
    ['not newer', '4.18.0'],
  ])('rebuilds no quarantined coturn if the newest usable one is %s', (_, newest) => {
    const libraries = [{ ...library, outdated: true }];
    expect(decide({ newest, published: { ...published, libraries, quarantine: 'It leaks.' } })).toEqual({
      due: false,
      version: '4.18.0',
      revision: 3,
      reason:
        'Nothing is due: the published coturn 4.18.0 must not be shipped any more, and no newer release can replace it. It leaks.',
    });
  });

  it('replaces a quarantined coturn by a newer one', () =>
    expect(decide({ newest: '4.18.1', published: { ...published, quarantine: 'It leaks.' } })).toMatchObject({
      due: true,
      version: '4.18.1',
    }));

  it('releases the newest coturn if nothing is published', () =>
    expect(decide({ published: undefined })).toMatchObject({ due: true, version: '4.18.0', revision: 1 }));

  it.each([
    ['the named revision', { version: '4.18.0', revision: 5 }, 5],
    ['the published revision of that version', { version: '4.18.0', revision: undefined }, 3],
    ['the first revision of another version', { version: '4.17.1', revision: undefined }, 1],
  ])('releases what is requested with %s', (_, asked, revision) =>
    expect(decide({ asked, newest: '4.19.0' })).toMatchObject({
      due: true,
      version: asked.version,
      revision,
    }),
  );
});

describe('parseAsked', () => {
  it.each([
    ['4.18.0', '4.18.0', undefined],
    ['v4.18.0', '4.18.0', undefined],
    ['coturn-4.18.0', '4.18.0', undefined],
    ['coturn-4.5.1.3-12', '4.5.1.3', 12],
  ])('reads %s', (word, version, revision) => expect(parseAsked(word)).toEqual({ version, revision }));

  it.each(['latest', '4.18', 'coturn-4.18.0-0', '4.18.0-1 ', '4.18.0\n4.19.0', '$(id)'])(
    'refuses %j',
    (word) => expect(() => parseAsked(word)).toThrow(/Invalid release/),
  );
});
