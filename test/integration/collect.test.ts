import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { collect } from '../../src/commands/collect.ts';
import { sha256Text } from '../../src/io/files.ts';
import type { Manifest, ManifestStep } from '../../src/manifest/schema.ts';
import { formatManifest, parseManifest } from '../../src/manifest/store.ts';
import { formatPlan, type PlanDocument, parsePlan, planDigest } from '../../src/plan/document.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';
import { type ToyRelease, toyRelease } from '../support/toy-release.ts';

// The real engine with fake stages makes four packages, each in its own folder, like four machines.
const PACKAGES = ['debian-12 arm64', 'debian-12 x86_64', 'debian-13 arm64', 'debian-13 x86_64'];
let dir: string;
let release: ToyRelease;
let parts: string[];
let lines: string[];
beforeEach(async () => {
  dir = temporaryFolder();
  release = toyRelease(dir);
  parts = PACKAGES.map((name) => join(dir, name.replace(' ', '-'), '4.6.1'));
  for (const [index, part] of PACKAGES.entries()) await release.run({ part, out: parts[index] ?? '' });
  lines = [];
});

const out = () => join(dir, 'whole');
const output = {
  line: (text: string) => void lines.push(text),
  styled: (text: string) => void lines.push(text),
  data: () => {},
};
const signal = () => new AbortController().signal;
const collectAll = (names = parts) =>
  collect(names, { out: out() }, output, signal(), release.requirePlanned);
const read = (folder: string): Manifest => {
  const file = join(folder, 'manifest.json');
  return parseManifest(file, readFileSync(file, 'utf8'), sha256Text);
};
/** Changes a part's manifest and seals it like turnbuild. */
function rewrite(part: number, change: (manifest: Manifest) => Manifest): void {
  const folder = parts[part] ?? '';
  writeFileSync(join(folder, 'manifest.json'), formatManifest(change(read(folder)), sha256Text));
}
const changeSteps = (part: number, change: (step: ManifestStep) => ManifestStep) =>
  rewrite(part, (manifest) => ({ ...manifest, steps: manifest.steps.map(change) }));
/** The error of an attempt, which must leave nothing behind. */
async function refusal(names = parts) {
  const error = await errorOf(collectAll(names));
  expect(existsSync(out()) ? readdirSync(out()) : []).toEqual([]);
  return error;
}
const oldRoot = ({ bases }: Manifest) => {
  const [first] = bases;
  if (first === undefined) throw new Error('a part has base images');
  return { ...first, name: 'buster-arm64' };
};
const withoutTimes = ({ steps, ...rest }: Manifest) => ({
  ...rest,
  steps: steps.map(({ seconds: _, finished: __, ...step }) => step),
});

describe('collect', () => {
  it('merges four parts into the manifest, files and reports of a release on one machine', async () => {
    await release.run();
    expect(await collectAll([...parts].reverse())).toBe(0);
    const whole = join(out(), '4.6.1');
    expect(withoutTimes(read(whole))).toEqual(withoutTimes(read(release.out)));
    const files = (folder: string) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
        .filter((name) => !/^work\/logs\/base-|^\.lock$/.test(name))
        .sort();
    expect(files(whole)).toEqual(files(release.out));
    for (const name of files(whole).filter((each) => !/manifest\.json|report\.html|junit\.xml/.test(each)))
      expect(readFileSync(join(whole, name)), name).toEqual(readFileSync(join(release.out, name)));
    execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: whole });
    expect(readFileSync(join(whole, 'SHA256SUMS'), 'utf8').match(/\.deb$/gm)).toHaveLength(8);
    const junit = readFileSync(join(whole, 'junit.xml'), 'utf8');
    expect(junit).toBe(readFileSync(join(release.out, 'junit.xml'), 'utf8'));
    for (const name of ['debian-12 / arm64', 'debian-12 / x86_64', 'debian-13 / arm64', 'debian-13 / x86_64'])
      expect(junit).toContain(`<testsuite name="${name}" tests="1" errors="0" failures="0" skipped="0">`);
    for (const text of [lines.join('\n'), readFileSync(join(whole, 'report.html'), 'utf8')])
      for (const name of ['deb12_arm64', 'deb12_amd64', 'deb13_arm64', 'deb13_amd64'])
        expect(text).toContain(name);
  });

  it('creates a release that the next run finds up to date', async () => {
    await collectAll();
    release.performed();
    await release.run({ out: join(out(), '4.6.1') });
    expect(release.performed()).toEqual([]);
  });

  it('merges the packages of parts with machine images, and says that the images are not collected', async () => {
    for (const part of [2, 3])
      await release.run({ images: ['aws'], part: PACKAGES[part] ?? '', out: parts[part] ?? '' });
    expect(await collectAll([...parts].reverse())).toBe(0);
    const whole = join(out(), '4.6.1');
    expect(read(whole).steps.map(({ stage }) => stage)).not.toContain('image');
    expect(lines.at(-1)).toBe(
      `Not collected: image:aws:arm64, image:aws:x86_64. Build images from the collected packages: turnbuild image --plan ${whole}/plan.json`,
    );
    release.performed();
    await release.run({ images: ['aws'], out: whole });
    expect(release.performed().sort()).toEqual(
      ['boot', 'image'].flatMap((stage) => ['arm64', 'x86_64'].map((arch) => `${stage}:aws:${arch}`)),
    );
  });

  it('accepts the parent folder of a release, and identical steps in two parts', async () => {
    cpSync(parts[0] ?? '', join(dir, 'copy/4.6.1'), { recursive: true });
    // Other files in the folder are not a release.
    writeFileSync(join(dir, 'copy/notes.txt'), 'from the arm64 machine');
    expect(await collectAll([...parts, join(dir, 'copy')])).toBe(0);
  });

  it('merges all parts and exits with 1 if one has failed', async () => {
    dir = temporaryFolder();
    release = toyRelease(dir);
    parts = PACKAGES.map((name) => join(dir, name.replace(' ', '-'), '4.6.1'));
    release.middle.set('build:debian-13:arm64', async () => {
      throw new Error('no compiler');
    });
    for (const [index, part] of PACKAGES.entries())
      await release.run({ part, out: parts[index] ?? '' }).catch(() => {});
    expect(await collectAll()).toBe(1);
    expect(read(join(out(), '4.6.1')).steps).toHaveLength(10);
    expect(lines.join('\n')).toContain('no compiler');
  });

  it('writes nothing in a dry run', async () => {
    expect(await collect(parts, { out: out(), dryRun: true }, output, signal(), release.requirePlanned)).toBe(
      0,
    );
    expect(existsSync(out())).toBe(false);
    expect(lines.join('\n')).toMatch(
      /4 parts, 12 steps[\s\S]*Dry run: would merge the parts into .*whole\/4\.6\.1/,
    );
  });
});

it('a dry run of collect refuses an existing destination', async () => {
  await collectAll();
  const again = collect(parts, { out: out(), dryRun: true }, output, signal(), release.requirePlanned);
  expect((await errorOf(again)).code).toBe('COLLECT_EXISTS');
});

describe('collect with invalid parts or an interruption', () => {
  const DEB = 'coturn_4.6.1+turnbuild-1~deb12_arm64.deb';
  const file = () => join(parts[0] ?? '', DEB);

  it.each<[string, () => void, RegExp]>([
    ['was changed', () => appendFileSync(file(), 'x'), /recorded [0-9a-f]{64}/],
    ['is missing', () => rmSync(file()), /sha256 missing/],
    [
      'is a link to the same bytes',
      () => {
        cpSync(file(), join(dir, 'elsewhere'));
        rmSync(file());
        symlinkSync(join(dir, 'elsewhere'), file());
      },
      /sha256 missing/,
    ],
  ])('refuses a file that %s', async (_, damage, message) => {
    damage();
    const error = await refusal();
    expect(error.code).toBe('ARTIFACT_CHANGED');
    expect(error.message).toContain(file());
    expect(error.message).toMatch(message);
  });

  it('refuses a log of more than 256 MiB', async () => {
    const [log = ''] = read(parts[0] ?? '').steps.map((step) => join(parts[0] ?? '', step.log ?? ''));
    truncateSync(log, 256 * 1024 ** 2 + 1);
    const error = await refusal();
    expect(error).toMatchObject({ code: 'FILE_ERROR', message: `${log} is larger than 256 MiB` });
  });

  it('refuses a file whose size differs from the recorded size', async () => {
    changeSteps(0, (step) => ({
      ...step,
      outputs: step.outputs.map((each) => (each.path === DEB ? { ...each, size: each.size + 1 } : each)),
    }));
    const error = await refusal();
    expect(error.code).toBe('ARTIFACT_CHANGED');
    expect(error.message).toMatch(
      /arm64\.deb differs from the file in its manifest: \d+ bytes, recorded \d+$/,
    );
  });

  it('refuses a manifest that names a file outside its folder', async () => {
    changeSteps(0, (step) => ({
      ...step,
      outputs: step.outputs.map((each) => ({ ...each, path: `../${each.path}` })),
    }));
    expect((await refusal()).code).toBe('MANIFEST_INVALID');
  });

  it.each<[string, () => void, RegExp]>([
    [
      'parts of another plan',
      () => rewrite(2, (m) => ({ ...m, plan: '3'.repeat(64) })),
      /debian-13-arm64.* was built from another plan/,
    ],
    [
      'base images that differ',
      () =>
        changeSteps(1, (step) => ({
          ...step,
          bases: Object.fromEntries(
            Object.keys(step.bases).map((name) => [name, `sha256:${'9'.repeat(64)}`]),
          ),
        })),
      /base image bookworm-x86_64 differs between .* and .*: the archive changed between the two builds/,
    ],
    [
      'a step that names the file of another step',
      () =>
        changeSteps(3, (step) => ({
          ...step,
          outputs: step.outputs.map((each) =>
            each.kind === 'build' ? { ...each, path: 'coturn_4.6.1+turnbuild-1~deb12_arm64.deb' } : each,
          ),
        })),
      /build:debian-13:x86_64 in .* names coturn_\S+arm64\.deb, which is not a file of that step/,
    ],
    [
      'a step that names a package as its log',
      () => changeSteps(3, (step) => ({ ...step, log: 'coturn_4.6.1+turnbuild-1~deb12_arm64.deb' })),
      /verify:debian-13:x86_64 in .* names coturn_\S+arm64\.deb, which is not a file of that step/,
    ],
    [
      'a step with other inputs than the built files',
      () =>
        changeSteps(3, (step) => ({
          ...step,
          inputs: step.inputs.map((each) => ({ ...each, sha256: '4'.repeat(64) })),
        })),
      /package:debian-13:x86_64 in .* was built from a different work\/build\/debian-13-x86_64\/program/,
    ],
  ])('refuses %s', async (_, change, message) => {
    change();
    const error = await refusal();
    expect(error.code).toBe('COLLECT_CONFLICT');
    expect(error.message).toMatch(message);
  });

  /** Changes the plan of all parts and reseals it and their manifests. */
  function replan(change: (document: PlanDocument) => PlanDocument): void {
    for (const [index, folder] of parts.entries()) {
      const file = join(folder, 'plan.json');
      const document = change(parsePlan(file, readFileSync(file, 'utf8'), sha256Text));
      writeFileSync(file, formatPlan(document, sha256Text));
      rewrite(index, (manifest) => ({ ...manifest, plan: planDigest(document, sha256Text) }));
    }
  }

  it.each<[string, (document: PlanDocument) => PlanDocument, RegExp]>([
    [
      'advisories',
      (document) => ({ ...document, advisories: [] }),
      /The plan differs from what this turnbuild would do: advisories/,
    ],
    [
      'steps',
      (document) => ({ ...document, steps: document.steps.slice(0, 3) }),
      /The plan differs from what this turnbuild would do: steps\.build:debian-12:x86_64/,
    ],
    [
      'the turnbuild version',
      (document) => ({ ...document, turnbuild: '9.9.9' }),
      /turnbuild 9\.9\.9 created the plan/,
    ],
  ])('refuses a plan that differs from that of this turnbuild in %s', async (_, change, message) => {
    replan(change);
    const error = await refusal();
    expect(error.code).toBe('PLAN_DIFFERS');
    expect(`${error.message} ${error.hint}`).toMatch(message);
  });

  const CHECK = {
    ...{ id: 'toy.fit', title: 'Fit', reason: 'a verdict', status: 'passed' as const },
    ...{ message: '', figures: {} },
  };
  it.each<[string, string, (step: ManifestStep) => Partial<ManifestStep>, string]>([
    [
      'an invented check',
      'verify',
      () => ({ checks: [CHECK, { ...CHECK, id: 'toy.more' }] }),
      'names the unknown check toy.more',
    ],
    ['a missing check', 'verify', () => ({ checks: [] }), 'has no verdict for toy.fit'],
    ['no checks', 'verify', () => ({ checks: undefined }), 'has no verdict for toy.fit'],
    [
      'a duplicate check',
      'verify',
      () => ({ checks: [CHECK, CHECK] }),
      'has more than one verdict for toy.fit',
    ],
    [
      'a check with another title',
      'verify',
      () => ({ checks: [{ ...CHECK, title: 'Safe' }] }),
      'describes toy.fit differently',
    ],
    [
      'a deselected check that the plan selects',
      'verify',
      () => ({ checks: [{ ...CHECK, status: 'deselected' as const }] }),
      'deselected toy.fit, which the plan selects',
    ],
    [
      'an accepted advisory that the plan does not accept',
      'verify',
      () => ({ checks: [{ ...CHECK, status: 'accepted' as const, advisories: ['CVE-1'] }] }),
      'accepted toy.fit, which the plan does not accept',
    ],
    [
      'an accepted failure without an advisory',
      'verify',
      () => ({ checks: [{ ...CHECK, status: 'accepted' as const }] }),
      'accepted toy.fit, which the plan does not accept',
    ],
    [
      'a failed check in a step that is done',
      'verify',
      () => ({ checks: [{ ...CHECK, status: 'failed' as const }] }),
      'is done, although toy.fit has failed',
    ],
  ])('refuses %s', async (_, stage, change, message) => {
    changeSteps(0, (step) => (step.stage === stage ? { ...step, ...change(step) } : step));
    const error = await refusal();
    expect(error.code).toBe('COLLECT_CONFLICT');
    expect(error.message).toContain(`${stage}:debian-12:arm64 in ${parts[0]} ${message}`);
  });

  it('refuses a package without one of its files', async () => {
    const symbols = (path: string) => path.includes('dbgsym');
    changeSteps(0, (step) => ({
      ...step,
      inputs: step.inputs.filter(({ path }) => !symbols(path)),
      outputs: step.outputs.filter(({ path }) => !symbols(path)),
    }));
    const error = await refusal();
    expect(error.code).toBe('COLLECT_CONFLICT');
    expect(error.message).toMatch(
      /package:debian-12:arm64 in \S+ did not produce coturn-dbgsym_\S+_arm64\.deb$/,
    );
  });

  it('refuses a step that differs between two parts, naming both', async () => {
    const twin = join(dir, 'twin');
    cpSync(parts[0] ?? '', twin, { recursive: true });
    parts.push(twin);
    changeSteps(4, (step) => ({
      ...step,
      outputs: step.outputs.map((each) => ({ ...each, sha256: '5'.repeat(64) })),
    }));
    const { code, message } = await refusal();
    expect(code).toBe('COLLECT_CONFLICT');
    expect(message).toContain(`build:debian-12:arm64 differs between ${parts[0]} and ${twin}`);
  });

  it('ignores steps and base images of earlier plans', async () => {
    rewrite(2, (manifest) => {
      const steps = manifest.steps.map((step) => ({
        ...step,
        id: step.id.replace('debian-13', 'debian-11'),
      }));
      return {
        ...manifest,
        steps: [...steps, ...manifest.steps],
        bases: [...manifest.bases, oldRoot(manifest)],
      };
    });
    expect(await collectAll()).toBe(0);
    const { steps, bases } = read(join(out(), '4.6.1'));
    expect([steps.length, bases.some(({ name }) => name === 'buster-arm64')]).toEqual([12, false]);
  });

  it('treats steps of an earlier plan as missing', async () => {
    changeSteps(2, (step) => ({ ...step, planned: '3'.repeat(64) }));
    const { code, message } = await refusal();
    expect(code).toBe('COLLECT_INCOMPLETE');
    expect(message).toContain('build:debian-13:arm64');
  });

  it('takes the version and the folder from the plan, not from the manifest', async () => {
    rewrite(0, (manifest) => ({
      ...manifest,
      coturn: { ...manifest.coturn, version: '4.6.1-x' },
      packageVersion: 'x',
    }));
    expect(await collectAll()).toBe(0);
    const { coturn, packageVersion } = read(join(out(), '4.6.1'));
    expect([coturn.version, packageVersion]).toEqual(['4.6.1', '4.6.1+turnbuild-1']);
    rewrite(1, (manifest) => ({ ...manifest, coturn: { ...manifest.coturn, version: '../../x' } }));
    expect((await errorOf(collectAll())).code).toBe('MANIFEST_INVALID');
  });

  it('refuses a manifest that is a link', async () => {
    const file = join(parts[1] ?? '', 'manifest.json');
    cpSync(file, join(dir, 'manifest.json'));
    rmSync(file);
    symlinkSync(join(dir, 'manifest.json'), file);
    expect((await refusal()).code).toBe('ARTIFACT_CHANGED');
  });

  it('stops on Ctrl-C and leaves nothing behind', async () => {
    const interrupt = new AbortController();
    interrupt.abort();
    const error = await errorOf(
      collect(parts, { out: out() }, output, interrupt.signal, release.requirePlanned),
    );
    expect([error.code, error.exitCode]).toEqual(['INTERRUPTED', 130]);
    expect(readdirSync(out())).toEqual([]);
  });

  it('refuses incomplete parts and names the missing steps', async () => {
    const { code, message } = await refusal(parts.slice(0, 3));
    expect(code).toBe('COLLECT_INCOMPLETE');
    expect(message.match(/\S+:debian-\S+/g)).toEqual(
      ['build', 'package', 'verify'].map((stage) => `${stage}:debian-13:x86_64`),
    );
  });

  it('refuses an existing destination and leaves it unchanged', async () => {
    await collectAll();
    const before = readFileSync(join(out(), '4.6.1/manifest.json'));
    const error = await errorOf(collectAll());
    expect([error.code, error.exitCode]).toEqual(['COLLECT_EXISTS', 2]);
    expect(readFileSync(join(out(), '4.6.1/manifest.json'))).toEqual(before);
  });

  const several = () => {
    for (const name of ['4.6.1', '4.18.0'])
      cpSync(parts[0] ?? '', join(dir, 'several', name), { recursive: true });
    return join(dir, 'several');
  };
  it.each<[string, () => string, RegExp]>([
    ['a folder without a release', () => temporaryFolder(), /^No manifest\.json found in /],
    ['a folder that does not exist', () => join(dir, 'nowhere'), /^No manifest\.json found in .*nowhere$/],
    ['a folder with several releases', () => several(), / contains more than one release$/],
  ])('refuses %s', async (_, folder, message) => {
    const error = await refusal([folder()]);
    expect(error.code).toBe('MANIFEST_MISSING');
    expect(error.message).toMatch(message);
  });

  it.each<[string, () => void]>([
    ['whose plan.json is missing', () => rmSync(join(parts[0] ?? '', 'plan.json'))],
    ['whose manifest names no plan', () => rewrite(0, ({ plan: _, ...manifest }) => manifest)],
  ])('refuses a part %s', async (_, change) => {
    change();
    const { code, message } = await refusal();
    expect([code, message]).toEqual(['PLAN_MISSING', `${parts[0]} has no plan.json`]);
  });

  /** Calls `act` once the release is complete beside its destination. @param act returns whether to interrupt */
  const atTheEnd = (act: () => boolean): AbortSignal =>
    ({
      get aborted() {
        const made = existsSync(out()) ? (readdirSync(out(), { recursive: true }) as string[]) : [];
        return made.some((name) => name.endsWith('manifest.json')) && act();
      },
    }) as AbortSignal;
  const collectUntil = (act: () => boolean) =>
    errorOf(collect(parts, { out: out() }, output, atTheEnd(act), release.requirePlanned));

  it('stops on Ctrl-C just before it finishes', async () => {
    expect((await collectUntil(() => true)).code).toBe('INTERRUPTED');
    expect(readdirSync(out())).toEqual([]);
  });

  it('stops on Ctrl-C in a dry run', async () => {
    const interrupt = new AbortController();
    interrupt.abort();
    const options = { out: out(), dryRun: true };
    const error = await errorOf(collect(parts, options, output, interrupt.signal, release.requirePlanned));
    expect(error.code).toBe('INTERRUPTED');
  });

  it('refuses a file that was changed, in a dry run, too', async () => {
    appendFileSync(file(), 'x');
    const options = { out: out(), dryRun: true };
    const error = await errorOf(collect(parts, options, output, signal(), release.requirePlanned));
    expect([error.code, existsSync(out())]).toEqual(['ARTIFACT_CHANGED', false]);
  });

  it('does not overwrite a release that has appeared in the meantime', async () => {
    const there = join(out(), '4.6.1');
    const error = await collectUntil(() => {
      cpSync(parts[0] ?? '', there, { recursive: true });
      return false;
    });
    expect(error.code).toBe('COLLECT_EXISTS');
    expect(read(there)).toEqual(read(parts[0] ?? ''));
    expect(readdirSync(out())).toEqual(['4.6.1']);
  });

  it('passes on the system error if it cannot move the release into place', async () => {
    const work = collectUntil(() => {
      writeFileSync(join(out(), '4.6.1'), '');
      return false;
    });
    await expect(work).rejects.toMatchObject({ code: 'ENOTDIR' });
    expect(readdirSync(out())).toEqual(['4.6.1']);
  });
});

it('collect accepts a missing log', async () => {
  const log = 'work/logs/build-debian-12-arm64.log';
  rmSync(join(parts[0] ?? '', log));
  expect(await collectAll()).toBe(0);
  expect(existsSync(join(out(), '4.6.1', log))).toBe(false);
  expect(existsSync(join(out(), '4.6.1', log.replace('12', '13')))).toBe(true);
});
