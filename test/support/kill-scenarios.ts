import { expect } from 'vitest';
import { CHANNELS, type Channel } from '../../src/publish/plan.ts';
import { packagedRelease } from './packaged-release.ts';
import type { publicationPlace } from './published.ts';

const OLD = { version: '4.18.0', targets: { 'debian-13': 'deb13', portable: 'rpm' } };
const NEW = { ...OLD, version: '4.19.0' };

type Place = ReturnType<typeof publicationPlace>;

/** A run to be killed. */
export interface Scenario {
  /** Makes the repository and the release. @param addSubkey gives the key another subkey that signs */
  prepare(place: Place, addSubkey: () => void): Promise<void>;
  /** Its command and arguments. */
  words: readonly [string, ...string[]];
  /** The channels that clients read; by default `testing`. */
  channels?: readonly Channel[];
  /** The fewest points that it must have. */
  points: number;
}

async function expectSuccess(run: Promise<unknown>): Promise<void> {
  expect(await run).toMatchObject({ code: 0 });
}

/** Adds a release to a repository that has an older one. */
export const PUBLISH: Scenario = {
  async prepare({ out, publish }) {
    packagedRelease(out, OLD);
    await expectSuccess(publish());
    packagedRelease(out, NEW);
    // Signs the packages. Other signatures would be other files.
    await expectSuccess(publish(['--dry-run']));
  },
  words: ['publish'],
  points: 60,
};

/** Publishes two releases. */
async function publishBoth({ out, publish }: Place): Promise<void> {
  for (const release of [OLD, NEW]) {
    packagedRelease(out, release);
    await expectSuccess(publish());
  }
}

/** Deletes the older release of a repository, with everything that led to it until then. */
export const CLEAN: Scenario = {
  prepare: publishBoth,
  words: ['gc', '--keep', '1', '--keep-days', '0', '--apply'],
  points: 100,
};

/** Brings the newer release to a channel that has the older one. */
export const PROMOTE: Scenario = {
  async prepare(place) {
    await publishBoth(place);
    await expectSuccess(place.run('promote', [OLD.version]));
  },
  words: ['promote', NEW.version],
  channels: ['stable'],
  points: 80,
};

/** Takes the newer release from the channel again. */
export const ROLL_BACK: Scenario = {
  ...PROMOTE,
  async prepare(place) {
    await PROMOTE.prepare(place, () => {});
    await expectSuccess(place.run('promote', [NEW.version]));
  },
  words: ['promote', OLD.version],
};

/** Takes the newer release out of both channels. */
export const WITHDRAW: Scenario = {
  ...ROLL_BACK,
  words: ['withdraw', NEW.version, '--reason', 'It loses sessions.'],
  channels: CHANNELS,
  points: 150,
};

/** Signs both channels again, with another subkey. */
export const REFRESH: Scenario = {
  async prepare(place, addSubkey) {
    await publishBoth(place);
    await expectSuccess(place.run('promote', [NEW.version]));
    addSubkey();
  },
  words: ['refresh', '--valid-for', '30'],
  channels: CHANNELS,
  points: 80,
};

/** The versions that clients see before and after a publication. */
export const BEFORE_AND_AFTER = [
  'apt 4.18.0+turnbuild-1~deb13',
  'apt 4.19.0+turnbuild-1~deb13',
  'dnf 4.18.0+turnbuild-1',
  'dnf 4.19.0+turnbuild-1',
];
