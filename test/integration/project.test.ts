import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256Text } from '../../src/io/files.ts';
import { stagesOf } from '../../src/manifest/stages.ts';
import { formatPlan, parsePlan } from '../../src/plan/document.ts';
import { planGiven } from '../../src/run/given-plan.ts';
import { planningHere } from '../../src/run/plan-again.ts';
import { planRelease } from '../../src/run/planning.ts';
import { findProject } from '../../src/run/project.ts';
import { openSession, type Session } from '../../src/run/session.ts';
import { coturnTar } from '../support/coturn-tree.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

const tarball = coturnTar('4.18.0');
const sha256 = createHash('sha256').update(tarball).digest('hex');
const FILE = ['targets: [portable]', 'architectures: [arm64]', 'source: coturn.tar', ''].join('\n');
const ROOT = new URL('../../', import.meta.url).pathname;
let dir: string;

beforeEach(() => {
  dir = temporaryFolder();
  vi.stubEnv('TURNBUILD_CACHE', join(dir, 'cache'));
  write('p/coturn.tar', tarball);
  stand('p');
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

function write(name: string, content: string | Buffer): void {
  mkdirSync(dirname(join(dir, name)), { recursive: true });
  writeFileSync(join(dir, name), content);
}
const stand = (name: string) => {
  mkdirSync(join(dir, name), { recursive: true });
  vi.spyOn(process, 'cwd').mockReturnValue(join(dir, name));
};
const output = { line: () => {}, styled: () => {}, data: () => {} };
const open = (options: Session['options'] = {}, uses: 'release' | 'places' = 'release') =>
  openSession({ native: true, json: true, ...options }, output, new AbortController().signal, uses);
/** As `turnbuild plan` does. */
const plan = async (options: Session['options'] = {}) => {
  const session = await open(options);
  return planRelease(session, session.coturn, { stages: stagesOf('release'), perform: false });
};
const lockOf = (tree: string, version = '4.18.0') =>
  JSON.stringify({ schema: 1, sources: { [version]: { sha256s: {}, tree, epoch: 7 } } });
const TREE = 'f'.repeat(64);

describe('a project is found', () => {
  beforeEach(() => write('p/turnbuild.yaml', ''));
  const file = () => join(dir, 'p/turnbuild.yaml');

  it('in the folder itself and in a parent', async () => {
    expect(await findProject(join(dir, 'p'))).toBe(file());
    stand('p/a/b');
    expect(await findProject()).toBe(file());
  });

  it('up to the top of a repository, but not above', async () => {
    write('p/.git', 'gitdir: elsewhere');
    expect(await findProject(join(dir, 'p'))).toBe(file());
    mkdirSync(join(dir, 'p/vendor/other/.git'), { recursive: true });
    expect(await findProject(join(dir, 'p/vendor/other'))).toBeUndefined();
    expect(await findProject(join(dir, 'p/vendor'))).toBe(file());
  });

  it('only if there is one', async () => expect(await findProject(dir)).toBeUndefined());

  it.skipIf(process.getuid?.() !== 0)(
    'but refused if it is in a parent folder and belongs to another user',
    async () => {
      chownSync(file(), 12345, 12345);
      stand('p/a');
      const error = await errorOf(findProject());
      expect(error.code).toBe('PROJECT_UNSAFE');
      expect(error.message).toBe(
        `${file()} applies to ${join(dir, 'p/a')}, but belongs to another user (uid 12345)`,
      );
      // In containers, the working directory is often a checkout that another user owns.
      expect(await findProject(join(dir, 'p'))).toBe(file());
      chownSync(join(dir, 'p/a'), 12345, 12345);
      expect(await findProject()).toBe(file());
    },
  );
});

describe('a release of a project', () => {
  it('uses the settings of the project file, from any subfolder', async () => {
    write('p/turnbuild.yaml', `${FILE}coturn: "4.18.0"\nrevision: 3\nmaintainer: A <a@b.example>\n`);
    stand('p/sub');
    const { document, dir: folder } = await plan({ sha256 });
    expect(document.choices).toMatchObject({ targets: ['portable'], architectures: ['arm64'] });
    expect(document.coturn).toMatchObject({ version: '4.18.0', revision: 3 });
    expect(document.maintainer).toBe('A <a@b.example>');
    expect(folder).toBe(join(dir, 'p/dist/4.18.0'));
  });

  it('is refused for an unknown archive name, with file and line', async () => {
    write('p/turnbuild.yaml', `${FILE}mirrors:\n  el99: http://a.test\n`);
    const error = await errorOf(open());
    expect(error.message).toContain(
      `${join(dir, 'p/turnbuild.yaml')}:5: mirrors.el99: unknown archive "el99"`,
    );
  });

  it('requires the version of the project file, except with --source', async () => {
    write('p/turnbuild.yaml', `${FILE}coturn: "4.17.0"\n`);
    expect((await errorOf(plan({ sha256 }))).code).toBe('SOURCE_VERSION_MISMATCH');
    expect((await plan({ sha256, source: join(dir, 'p/coturn.tar') })).source.version).toBe('4.18.0');
  });
});

describe("a project's lock file", () => {
  const lock = () => JSON.parse(readFileSync(join(dir, 'p/turnbuild.lock.json'), 'utf8'));
  beforeEach(() => write('p/turnbuild.yaml', FILE));

  it('receives the pins of --update-lock, which are then enforced', async () => {
    expect((await errorOf(plan())).code).toBe('SOURCE_UNPINNED');
    const builtIn = readFileSync(join(ROOT, 'recipes/sources.lock.json'), 'utf8');
    await plan({ updateLock: true });
    expect(lock().sources['4.18.0'].sha256s).toEqual({ file: sha256 });
    expect(Object.keys(lock().sources)).toEqual(['4.18.0']);
    expect(readFileSync(join(ROOT, 'recipes/sources.lock.json'), 'utf8')).toBe(builtIn);
    expect((await plan()).source.version).toBe('4.18.0');
    write('p/turnbuild.lock.json', lockOf(TREE));
    expect((await errorOf(plan())).code).toBe('SOURCE_TREE_MISMATCH');
  });

  it('extends the built-in one and must not contradict it', async () => {
    const { locks } = await open();
    expect(locks).toEqual({
      own: join(dir, 'p/turnbuild.lock.json'),
      beneath: join(ROOT, 'recipes/sources.lock.json'),
    });
    write('p/turnbuild.lock.json', lockOf(TREE, '4.6.1'));
    const error = await errorOf(plan());
    expect(error.code).toBe('LOCK_CONFLICT');
    for (const file of [locks.own, locks.beneath]) expect(error.message).toContain(file);
  });

  it('is not read if --lock names another file', async () => {
    write('p/turnbuild.lock.json', lockOf(TREE));
    await plan({ lock: join(dir, 'other.json'), updateLock: true });
    expect(existsSync(join(dir, 'other.json'))).toBe(true);
    expect(lock().sources['4.18.0'].tree).toBe(TREE);
  });

  it('extends the lock file of --recipes, too', async () => {
    const { locks } = await open({ recipes: join(ROOT, 'recipes') });
    expect(locks.beneath).toBe(join(ROOT, 'recipes/sources.lock.json'));
    expect(locks.own).toBe(join(dir, 'p/turnbuild.lock.json'));
  });

  it('is checked against a plan from another machine', async () => {
    const { document } = await plan({ updateLock: true });
    write('plan.json', formatPlan(document, sha256Text));
    const given = async () =>
      planGiven(await open({ native: undefined as never }, 'places'), join(dir, 'plan.json'), {
        ...{ version: undefined, stages: stagesOf('release'), perform: false },
      });
    const parsed = parsePlan('plan.json', formatPlan(document, sha256Text), sha256Text);
    const collected = () => planningHere({})('plan.json', parsed);
    await collected();
    write('p/turnbuild.lock.json', lockOf(TREE));
    for (const work of [given, collected]) {
      const error = await errorOf(work());
      expect(error.code).toBe('PLAN_DIFFERS');
      expect(error.message).toContain(join(dir, 'p/turnbuild.lock.json'));
    }
  });
});

describe("without a project, in turnbuild's own clone", () => {
  it('the session uses only the lock file of the recipes', async () => {
    expect((await open()).locks).toEqual({
      own: join(ROOT, 'recipes/sources.lock.json'),
      beneath: undefined,
    });
  });
});

describe("a project's own recipes", () => {
  const own = 'name: own\nextends: debian-12\nsuite: bookworm\nlabel: deb12own\n';
  beforeEach(() => {
    write('p/turnbuild.yaml', `${FILE}recipes: ours\npatches: changes\n`);
    mkdirSync(join(dir, 'p/changes'));
  });

  it('are added to the built-in ones and can extend them', async () => {
    write('p/ours/targets/own.yaml', own);
    const { recipes } = await open({ target: ['own'] });
    expect(recipes.targets.map(({ name }) => name)).toEqual(expect.arrayContaining(['debian-12', 'own']));
    const { document } = await plan({ target: ['own'], sha256 });
    expect(document.steps[0]?.id).toBe('build:own:arm64');
  });

  it('replace files of the same name and keep all others', async () => {
    write('p/ours/packaging/common/turnserver.conf', '# ours\n');
    write('p/ours/.DS_Store', 'x');
    write('p/changes/new/series', 'x.patch\n');
    const { recipes } = await open();
    const read = (name: string) => readFileSync(join(recipes.dir, name), 'utf8');
    expect(read('packaging/common/turnserver.conf')).toBe('# ours\n');
    expect(read('docker/Dockerfile')).toBe(readFileSync(join(ROOT, 'recipes/docker/Dockerfile'), 'utf8'));
    expect(readdirSync(recipes.dir)).not.toContain('.DS_Store');
    expect(readFileSync(join(recipes.patches, 'new/series'), 'utf8')).toBe('x.patch\n');
    expect(existsSync(join(recipes.patches, 'compatibility.yaml'))).toBe(true);
  });

  it('change the step keys only if they change an input', async () => {
    write('p/ours/README.md', 'what these are');
    const keys = async () => [...(await plan({ sha256 })).keys.values()].map(({ key }) => key);
    const before = await keys();
    expect(await keys()).toEqual(before);
    write('p/turnbuild.yaml', FILE);
    expect(await keys()).toEqual(before);
    write('p/turnbuild.yaml', `${FILE}recipes: ours\n`);
    write('p/ours/packaging/common/turnserver.conf', '# ours\n');
    expect(await keys()).not.toEqual(before);
  });

  it('are merged into a content-addressed cache folder, which is restored if it was changed', async () => {
    write('p/ours/packaging/common/turnserver.conf', '# ours\n');
    chmodSync(join(dir, 'p/ours/packaging/common/turnserver.conf'), 0o666);
    const { recipes } = await open();
    expect(dirname(dirname(recipes.dir))).toBe(join(dir, 'cache/recipes'));
    const file = join(recipes.dir, 'packaging/common/turnserver.conf');
    expect(statSync(file).mode & 0o022).toBe(0);
    writeFileSync(file, '# changed\n');
    expect((await open()).recipes.dir).toBe(recipes.dir);
    expect(readFileSync(file, 'utf8')).toBe('# ours\n');
    write('p/ours/packaging/common/turnserver.conf', '# other\n');
    expect((await open()).recipes.dir).not.toBe(recipes.dir);
  });

  it('are refused with the path and line of their own file', async () => {
    write('p/ours/targets/own.yaml', `${own}lable: x\n`);
    const { code, message } = await errorOf(open());
    expect(code).toBe('RECIPE_INVALID');
    expect(message).toContain(
      `${join(dir, 'p/ours/targets/own.yaml')}:5: unknown key "lable"; did you mean "label"?`,
    );
  });

  it.each([
    [
      'a folder with a misspelt name',
      'p/ours/target/own.yaml',
      /ours\/target: .*; did you mean "targets"\?$/,
    ],
    [
      'a lock file, which would replace the built-in pins',
      'p/ours/sources.lock.json',
      /would replace the built-in pins$/,
    ],
  ])('are refused for %s', async (_, name, message) => {
    write(name, own);
    const error = await errorOf(open());
    expect(error.code).toBe('PROJECT_INVALID');
    expect(error.message).toMatch(message);
  });

  it.each(['ours', 'changes'])('are refused if the folder %sx does not exist', async (name) => {
    for (const each of ['ours', 'changes']) mkdirSync(join(dir, 'p', each), { recursive: true });
    const key = name === 'ours' ? 'recipes' : 'patches';
    write('p/turnbuild.yaml', `${key}: ${name}x\n`);
    const error = await errorOf(open());
    expect(error.message).toBe(
      `${join(dir, 'p/turnbuild.yaml')}: ${key}: the folder ${join(dir, `p/${name}x`)} does not exist`,
    );
  });

  it('are ignored with --recipes', async () => {
    write('p/ours/targets/own.yaml', own);
    expect((await open({ recipes: join(ROOT, 'recipes') })).recipes.dir).toBe(join(ROOT, 'recipes'));
  });
});
