import { describe, expect, it } from 'vitest';
import { type Due, type DueFacts, decideAsked, decideDue, parseAsked } from '../../../src/plan/due.ts';

const library = { package: 'openssl', newest: '3.0.18-1~deb12u1', outdated: false, security: false };
const published = { version: '4.18.0', revision: 3 };
const FACTS: DueFacts = {
  ...{ channel: 'testing', published, known: [], upstream: [{ version: '4.18.0' }, { version: '4.17.2' }] },
  firstRevision: 1,
};

/** The decision, and the release whose libraries it depends on. */
function decide(facts: Partial<DueFacts>, libraries = [library]): Due & { compared?: string } {
  const found = decideDue({ ...FACTS, ...facts });
  if ('due' in found) return found;
  return { ...found.decide(libraries), compared: `${found.of.version}-${found.of.revision}` };
}

const OUTDATED = [{ ...library, outdated: true, security: true }];
const FAULT = 'Crashes\nwith TLS 1.3';

describe('decideDue', () => {
  it('says why nothing is due', () =>
    expect(decide({})).toEqual({
      ...{ due: false, version: '4.18.0', revision: 3, compared: '4.18.0-3', next: '' },
      reason:
        'Nothing is due. coturn 4.18.0 (revision 3) is published. Its statically linked libraries are up to date.',
    }));

  it('releases a newer coturn, with the first revision, without comparing libraries', () =>
    expect(decide({ upstream: [{ version: '4.19.0' }], firstRevision: 2 }, OUTDATED)).toEqual({
      ...{ due: true, version: '4.19.0', revision: 2, next: '' },
      reason: 'coturn 4.19.0 is newer than the published 4.18.0.',
    }));

  it('releases nothing older than what is published', () =>
    expect(decide({ upstream: [{ version: '4.17.2' }] })).toMatchObject({ due: false, version: '4.18.0' }));

  it('rebuilds for outdated libraries, with the next revision', () =>
    expect(decide({}, OUTDATED)).toMatchObject({
      ...{ due: true, version: '4.18.0', revision: 4 },
      reason:
        'Statically linked libraries of coturn 4.18.0 are outdated: openssl 3.0.18-1~deb12u1 (security).',
    }));

  it('rebuilds for a revision that the project sets', () =>
    expect(decide({ firstRevision: 5 })).toMatchObject({
      ...{ due: true, version: '4.18.0', revision: 5 },
      reason: 'coturn 4.18.0 is published with revision 3; the project sets revision 5.',
    }));

  it('does not rebuild an older version for that revision', () =>
    expect(
      decide({ firstRevision: 5, upstream: [{ version: '4.19.0', quarantine: 'It leaks.' }] }),
    ).toMatchObject({ due: false, revision: 3 }));

  it('releases the newest coturn if nothing is published', () =>
    expect(decide({ published: undefined })).toMatchObject({ due: true, version: '4.18.0', revision: 1 }));

  it('says which newer version the project does not select', () =>
    expect(decide({ unselected: { version: '4.19.0', range: '~4.18.0' } }).reason).toMatch(
      / coturn 4\.19\.0 is newer, but turnbuild\.yaml selects ~4\.18\.0\.$/,
    ));
});

describe('decideDue with quarantined versions', () => {
  it.each([
    ['older', '4.17.2'],
    ['not newer', '4.18.0'],
  ])('rebuilds no quarantined coturn if the newest usable one is %s', (_, version) => {
    expect(decide({ upstream: [{ version }], quarantine: 'It leaks.' }, OUTDATED)).toEqual({
      ...{ due: false, version: '4.18.0', revision: 3, next: '' },
      reason:
        'Nothing is due. The published coturn 4.18.0 must not be shipped any more, and no newer release can replace it. It leaks.',
    });
  });

  it('replaces a quarantined coturn by a newer one, but not by a quarantined one', () => {
    const upstream = [{ version: '4.19.0', quarantine: 'It leaks, too.' }, { version: '4.18.1' }];
    expect(decide({ upstream, quarantine: 'It leaks.' })).toMatchObject({ due: true, version: '4.18.1' });
    expect(decide({ upstream: upstream.slice(0, 1) }).reason).toBe(
      'Nothing is due. coturn 4.18.0 (revision 3) is published. Its statically linked libraries are up to date. coturn 4.19.0 must not be shipped: It leaks, too.',
    );
  });

  it('finds nothing due if all are quarantined and nothing is published', () =>
    expect(
      decide({ published: undefined, upstream: [{ version: '4.18.0', quarantine: 'It leaks' }] }),
    ).toEqual({
      ...{ due: false, version: null, revision: null, next: '' },
      reason: 'Nothing is due. Nothing is published. coturn 4.18.0 must not be shipped: It leaks.',
    }));
});

describe('decideDue with withdrawn releases', () => {
  const withdrawn = { version: '4.19.0', revision: 1, withdrawn: FAULT };
  const upstream = [{ version: '4.19.0' }, { version: '4.18.0' }];

  it('does not build a withdrawn version again, and says what to do', () =>
    expect(decide({ upstream, known: [withdrawn] })).toMatchObject({
      ...{ due: false, version: '4.18.0', compared: '4.18.0-3' },
      reason:
        'Nothing is due. coturn 4.18.0 (revision 3) is published. Its statically linked libraries are up to date. 4.19.0+turnbuild-1 was withdrawn: Crashes with TLS 1.3.',
      next: 'If coturn 4.19.0 is fixed here, e.g. by a patch, set `revision: 2` in turnbuild.yaml, or request the release coturn-4.19.0-2.',
    }));

  it('rebuilds the release that is offered instead', () =>
    expect(decide({ upstream, known: [withdrawn] }, OUTDATED)).toMatchObject({
      ...{ due: true, version: '4.18.0', revision: 4 },
    }));

  it('builds it with a higher revision that the project sets', () =>
    expect(decide({ upstream, known: [withdrawn], firstRevision: 2 })).toMatchObject({
      ...{ due: true, version: '4.19.0', revision: 2 },
      reason: '4.19.0+turnbuild-1 is replaced by the revision that the project sets.',
    }));

  it('builds a version between it and the published one', () =>
    expect(
      decide({ upstream: [upstream[0] ?? published, { version: '4.18.1' }], known: [withdrawn] }),
    ).toMatchObject({ due: true, version: '4.18.1' }));

  it.each([
    ['the record still names it', { published: withdrawn }],
    ['the channel never had a release', { published: undefined, known: [withdrawn] }],
  ])('builds no older version if nothing is left: %s', (_, facts) =>
    expect(decide({ upstream, ...facts }, OUTDATED)).toMatchObject({
      ...{ due: false, version: null, revision: null },
      reason: expect.stringContaining('4.19.0+turnbuild-1 was withdrawn: Crashes with TLS 1.3.'),
      next: expect.stringContaining('coturn-4.19.0-2'),
    }),
  );

  it('replaces it by a newer version if nothing is left', () =>
    expect(decide({ upstream: [{ version: '4.20.0' }], published: withdrawn })).toMatchObject({
      ...{ due: true, version: '4.20.0', revision: 1 },
    }));

  it('builds a withdrawn rebuild again only if its own inputs have changed', () => {
    const known = [{ ...published, revision: 4, withdrawn: FAULT }];
    expect(decide({ known })).toMatchObject({ due: false, revision: 3, compared: '4.18.0-4' });
    expect(decide({ known }).reason).toContain('4.18.0+turnbuild-4 was withdrawn: Crashes with TLS 1.3.');
    expect(decide({ known }, OUTDATED)).toMatchObject({ due: true, revision: 5, compared: '4.18.0-4' });
  });
});

describe('decideDue with releases that the channel does not have', () => {
  it.each([
    ['a newer version', { upstream: [{ version: '4.19.0' }], known: [{ version: '4.19.0', revision: 2 }] }],
    ['a newer revision', { known: [{ version: '4.18.0', revision: 4 }] }],
    ['any', { published: undefined, known: [{ version: '4.18.0', revision: 4 }] }],
  ])('promotes them: %s', (_, facts) => {
    const { version, revision } = facts.known[0] ?? published;
    expect(decide({ channel: 'stable', ...facts })).toMatchObject({
      due: false,
      reason: expect.stringContaining(
        `${version}+turnbuild-${revision} is published, but is not the newest release of stable.`,
      ),
      next: `To move stable to it: turnbuild promote ${version}+turnbuild-${revision} --channel stable --from testing`,
    });
  });
});

describe('decideAsked', () => {
  const known = [published, { version: '4.17.0', revision: 1, withdrawn: FAULT }];
  it.each([
    ['the named revision', { version: '4.18.0', revision: 5 }, 5],
    ['the published revision of that version', { version: '4.18.0', revision: undefined }, 3],
    ['the first revision of another version', { version: '4.17.1', revision: undefined }, 2],
    ['the revision after a withdrawn one', { version: '4.17.0', revision: undefined }, 2],
  ])('releases what is requested with %s', (_, asked, revision) =>
    expect(decideAsked(asked, { known, firstRevision: 2 })).toEqual({
      ...{ due: true, version: asked.version, revision, next: '' },
      reason: `coturn ${asked.version} was requested.`,
    }),
  );

  it('refuses a withdrawn release', () =>
    expect(() => decideAsked({ version: '4.17.0', revision: 1 }, { known, firstRevision: 1 })).toThrow(
      '4.17.0+turnbuild-1 was withdrawn: Crashes with TLS 1.3.',
    ));
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
