import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { GithubAsset, GithubRelease } from '../../../../src/io/github/releases.ts';
import { formatMarker, withdrawnNotes } from '../../../../src/publish/github/marker.ts';
import {
  type GithubFacts,
  planPromotion,
  planPublication,
  planWithdrawal,
} from '../../../../src/publish/github/plan.ts';
import type { ReleaseFile } from '../../../../src/publish/github/steps.ts';
import type { Channel } from '../../../../src/publish/plan.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const TAG = '4.18.0+turnbuild-1';
const MANIFEST = sha256('manifest');
const NOTES = `Notes\n${formatMarker({ release: TAG, manifest: MANIFEST, libraries: {} })}\n`;

const file = (name: string, kind: ReleaseFile['kind'] = 'package', content = name): ReleaseFile => ({
  ...{ name, label: name, kind, size: content.length, sha256: sha256(content) },
  file: kind === 'sums' ? undefined : name,
});
const FILES = [file('a.deb'), file('manifest.json', 'report'), file('SHA256SUMS', 'sums')];
const NEW = { release: TAG, manifest: MANIFEST, notes: NOTES, files: FILES };

const asset = (name: string, content = name, isComplete = true): GithubAsset => ({
  ...{ id: 7, name, size: content.length, isComplete, sha256: sha256(content) },
});
const ALL = FILES.map(({ name }) => asset(name));
const release = (of: Partial<GithubRelease> = {}): GithubRelease => ({
  ...{ id: 1, tag: TAG, body: NOTES, isDraft: false, isPrerelease: true, isImmutable: false },
  ...{ url: 'https://github.com/x', uploadUrl: '', assets: ALL },
  ...of,
});
const draft = (of: Partial<GithubRelease> = {}) => release({ isDraft: true, ...of });
const stable = (tag: string, of: Partial<GithubRelease> = {}) =>
  release({ id: Number(tag.replace(/\D/g, '')), tag, isPrerelease: false, ...of });

const facts = (releases: GithubRelease[], channel: Channel = 'testing', latest?: string): GithubFacts => ({
  ...{ where: 'https://github.com/example/coturn-packages', channel, key: undefined },
  ...{ releases, latest, sha256 },
});
/** `create releases/TAG/assets/a.deb` -> `create a.deb`. */
const linesOf = ({ destination: { actions } }: ReturnType<typeof planPublication>) =>
  actions.map((each) => `${each.do} ${each.path.replace(/.*\/assets\//, '')}`);
const publish = (releases: GithubRelease[], channel: Channel = 'testing', latest?: string) =>
  linesOf(planPublication(facts(releases, channel, latest), NEW));
const codeOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
};

const REUSED = ['reuse a.deb', 'reuse manifest.json', 'reuse SHA256SUMS'];
const CREATED = ['create a.deb', 'create manifest.json', 'create SHA256SUMS'];
const SHOWN = `point releases/${TAG}`;

describe('a publication on GitHub', () => {
  it('is a draft first, and public last', () => {
    expect(publish([])).toEqual([`create releases/${TAG}`, ...CREATED, SHOWN]);
    const { steps } = planPublication(facts([]), NEW);
    // The journal has what the draft is found again by.
    const [created] = planPublication(facts([]), NEW).destination.actions;
    expect(created).toEqual({ do: 'create', path: `releases/${TAG}`, marker: MANIFEST });
    expect(steps.at(-1)).toEqual({ do: 'show', tag: TAG, isPrerelease: true, isLatest: false });
  });

  it.each([
    ['a file of 2 GiB', [{ ...file('a.deb'), size: 2 * 1024 ** 3 }], /a\.deb has 2147483648 bytes/],
    ['1,001 files', Array.from({ length: 1001 }, (_, index) => file(`${index}.deb`)), /it has 1001 files/],
  ])('is refused with %s', (_, files, message) => {
    const run = () => planPublication(facts([]), { ...NEW, files });
    expect(codeOf(run)).toBe('GITHUB_LIMIT_EXCEEDED');
    expect(run).toThrow(message);
  });

  it('may have 1,000 files of almost 2 GiB', () => {
    const files = Array.from({ length: 1000 }, (_, index) => ({
      ...file(`${index}.deb`),
      size: 2 ** 31 - 1,
    }));
    expect(planPublication(facts([]), { ...NEW, files }).steps).toHaveLength(1002);
  });

  it('continues its draft, and replaces what is not complete or not its own', () => {
    const assets = [
      asset('a.deb', 'a.deb', false),
      asset('manifest.json', 'other'),
      asset('x'),
      asset('SHA256SUMS'),
    ];
    expect(publish([draft({ assets })])).toEqual([
      ...['delete a.deb', 'delete manifest.json', 'delete x'],
      ...['create a.deb', 'create manifest.json', 'reuse SHA256SUMS'],
      SHOWN,
    ]);
  });

  it('sets the notes of its draft if they differ, but not because of line ends', () => {
    const body = NOTES.replace('Notes', 'Old');
    expect(publish([draft({ body })])).toEqual([...REUSED, `replace releases/${TAG}/notes`, SHOWN]);
    expect(publish([draft({ body: NOTES.replaceAll('\n', '\r\n') })])).toEqual([...REUSED, SHOWN]);
  });

  it('uses the first of several own drafts, and removes the others', () => {
    expect(publish([draft({ id: 9 }), draft({ id: 3 })])).toEqual([
      `delete releases/${TAG}/drafts/9`,
      ...REUSED,
      SHOWN,
    ]);
    expect(publish([draft({ id: 9 }), release({ id: 3 })])).toEqual([
      `delete releases/${TAG}/drafts/9`,
      ...REUSED,
    ]);
  });

  it.each([
    ["a person's draft", 'Soon!'],
    ['a draft of another build', formatMarker({ release: TAG, manifest: sha256('other'), libraries: {} })],
  ])('is refused beside %s', (_, body) => {
    expect(codeOf(() => publish([draft({ body })]))).toBe('GITHUB_DRAFT_CONFLICT');
    expect(publish([draft({ body }), release()])).toEqual(REUSED);
    expect(publish([draft({ body, tag: 'v1' })])).toHaveLength(5);
  });

  it("continues its draft beside a person's one, but not beside that of another build", () => {
    expect(publish([draft({ id: 0, body: 'Soon!' }), draft()])).toEqual([...REUSED, SHOWN]);
    const body = formatMarker({ release: TAG, manifest: sha256('other'), libraries: {} });
    expect(codeOf(() => publish([draft({ id: 0, body }), draft()]))).toBe('GITHUB_DRAFT_CONFLICT');
  });

  it('changes nothing that is published', () => {
    expect(publish([release()])).toEqual(REUSED);
    // A manifest changes when an image is built later.
    const assets = [asset('a.deb'), asset('manifest.json', 'older'), asset('SHA256SUMS', 'older')];
    expect(publish([release({ assets })])).toEqual(REUSED);
  });

  it('refuses other content of a published package', () => {
    const assets = [asset('a.deb', 'other'), ...ALL.slice(1)];
    expect(codeOf(() => publish([release({ assets })]))).toBe('PUBLISHED_DIFFERS');
  });

  it('adds a package that was removed by hand, but no other one', () => {
    expect(publish([release({ assets: ALL.slice(1) })])).toEqual(['create a.deb', ...REUSED.slice(1)]);
    const leftover = [asset('a.deb', 'a', false), ...ALL.slice(1)];
    expect(publish([release({ assets: leftover })])[0]).toBe('delete a.deb');
    const others = [asset('SHA256SUMS', 'of other packages')];
    expect(codeOf(() => publish([release({ assets: others })]))).toBe('PUBLISHED_DIFFERS');
  });

  it('adds nothing to an immutable release', () => {
    const assets = ALL.slice(1);
    expect(codeOf(() => publish([release({ isImmutable: true, assets })]))).toBe('GITHUB_RELEASE_IMMUTABLE');
    expect(publish([release({ isImmutable: true, assets: ALL.slice(0, 1) })])).toEqual(['reuse a.deb']);
  });

  it('makes the newest stable release the latest one, whatever its date', () => {
    const last = (releases: GithubRelease[], latest?: string) =>
      publish(releases, 'stable', latest).slice(-2);
    const show = (releases: GithubRelease[]) => planPublication(facts(releases, 'stable'), NEW).steps;
    expect(last([])).toEqual(['create SHA256SUMS', SHOWN]);
    expect(show([]).at(-1)).toMatchObject({ isPrerelease: false, isLatest: true });
    const newer = stable('4.19.0+turnbuild-1');
    expect(show([newer]).find((each) => each.do === 'show')).toMatchObject({ isLatest: false });
    // GitHub shows another one.
    expect(last([newer], '4.17.0+turnbuild-1')).toEqual([SHOWN, 'point releases/latest']);
    expect(last([newer], newer.tag)).toEqual(['create SHA256SUMS', SHOWN]);
    // A withdrawal that was interrupted.
    const withdrawn = stable(newer.tag, { body: withdrawnNotes(NOTES, newer.tag, 'bad') });
    expect(show([withdrawn]).at(-1)).toMatchObject({ isLatest: true });
    // 4.9 is older than 4.18.
    expect(show([stable('4.9.0+turnbuild-1')]).at(-1)).toMatchObject({ isLatest: true });
  });

  it('leaves a stable release in stable, and other releases of the repository alone', () => {
    const { steps, destination } = planPublication(facts([stable(TAG)], 'testing', 'v1'), NEW);
    expect(steps.map((each) => each.do)).toEqual(['reuse', 'reuse', 'reuse']);
    for (const { before, after } of destination.pointers) expect(after).toBe(before);
    expect(publish([release()], 'stable')).toEqual([...REUSED, SHOWN]);
    expect(publish([stable('v99')], 'testing', 'v99').at(-1)).toBe(SHOWN);
  });

  it('is refused for a withdrawn release', () => {
    const body = withdrawnNotes(NOTES, TAG, 'bad');
    expect(codeOf(() => publish([release({ body })]))).toBe('RELEASE_WITHDRAWN');
  });

  it('lists every file that it reuses, so that a plan can be compared with it', () => {
    const files = (releases: GithubRelease[]) =>
      planPublication(facts(releases), NEW).destination.actions.flatMap(({ file: name, sha256: digest }) =>
        name === undefined ? [] : [`${name} ${digest}`],
      );
    expect(files([])).toEqual(files([release()]));
  });
});

describe('a promotion on GitHub', () => {
  const promote = (releases: GithubRelease[], latest?: string) =>
    planPromotion(facts(releases, 'stable', latest), TAG);

  it('makes a pre-release the latest release', () => {
    const { steps } = promote([release()]);
    expect(steps).toEqual([{ do: 'show', tag: TAG, isPrerelease: false, isLatest: true }]);
  });

  it('rolls back: newer releases become pre-releases, after the older one is the latest', () => {
    const [older, newer] = [stable('4.9.0+turnbuild-1'), stable('4.19.0+turnbuild-1')];
    expect(linesOf(promote([older, newer, stable(TAG)], newer.tag))).toEqual([
      'point releases/latest',
      `point releases/${newer.tag}`,
    ]);
    expect(linesOf(promote([older, stable(TAG)], TAG))).toEqual([]);
  });

  it('is refused for a draft, a withdrawn release, and another channel', () => {
    expect(codeOf(() => promote([draft()]))).toBe('RELEASE_UNKNOWN');
    expect(codeOf(() => promote([release({ body: withdrawnNotes('', TAG, 'bad') })]))).toBe(
      'RELEASE_WITHDRAWN',
    );
    expect(codeOf(() => planPromotion(facts([release()]), TAG))).toBe('OPTION_INVALID');
  });
});

describe('a withdrawal on GitHub', () => {
  const older = [stable('4.16.0+turnbuild-1'), stable('4.17.0+turnbuild-2'), stable('4.17.0+turnbuild-1')];

  it('moves the latest release first, then marks the withdrawn one', () => {
    const { steps, destination } = planWithdrawal(
      facts([...older, stable(TAG)], 'testing', TAG),
      [TAG],
      'bad',
    );
    expect(steps).toEqual([
      { do: 'latest', tag: '4.17.0+turnbuild-2' },
      { do: 'notes', tag: TAG, body: withdrawnNotes(NOTES, TAG, 'bad') },
      { do: 'show', tag: TAG, isPrerelease: true, isLatest: false },
    ]);
    expect(destination.pointers.map(({ path }) => path)).toEqual([`releases/${TAG}`, 'releases/latest']);
  });

  it('leaves no latest release if there is no other stable one', () => {
    const { steps } = planWithdrawal(facts([stable(TAG)], 'testing', TAG), [TAG], 'bad');
    expect(steps.map((each) => each.do)).toEqual(['notes', 'show']);
  });

  it('is done once', () => {
    const done = release({ body: withdrawnNotes(NOTES, TAG, 'bad') });
    const again = planWithdrawal(facts([...older, done], 'testing', '4.17.0+turnbuild-2'), [TAG], ' bad\n');
    expect(again.steps).toEqual([]);
    const [pointer] = again.destination.pointers;
    expect(pointer?.before).toBe(pointer?.after);
    const other = planWithdrawal(facts([done]), [TAG], 'worse');
    expect(other.steps).toEqual([{ do: 'notes', tag: TAG, body: withdrawnNotes(NOTES, TAG, 'worse') }]);
  });
});
