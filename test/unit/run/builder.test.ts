import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Exec } from '../../../src/io/exec.ts';
import {
  assumedBuilder,
  type BuilderFacts,
  inspectBuilder,
  requireEngine,
  requirePlatforms,
  sharesNetwork,
} from '../../../src/run/builder.ts';
import { errorOf } from '../../support/sandbox.ts';

afterEach(() => void vi.unstubAllGlobals());

interface Answer {
  code?: number;
  stdout?: string;
  stderr?: string;
}

/** A fake docker whose only answers depend on its first argument. */
function docker(answers: Readonly<Record<string, Answer>>): { exec: Exec; asked: string[] } {
  const asked: string[] = [];
  const exec: Exec = async ({ file, args }) => {
    asked.push([file, ...args].join(' '));
    const answer = answers[args[0] ?? ''];
    if (answer === undefined) throw new Error(`asked for ${args.join(' ')}`);
    return { code: 0, stdout: '', stderr: '', ...answer };
  };
  return { exec, asked };
}

const inspected = (driver: string, ...nodes: string[]) =>
  [`Name: farm`, `Driver: ${driver}`, 'Nodes:', ...nodes.map((each) => `Platforms: ${each}`)].join('\n');
const BOTH = 'linux/amd64, linux/arm64';
const ask = (answers: Readonly<Record<string, Answer>>, name?: string) =>
  inspectBuilder(name, { bootstrap: false, exec: docker(answers).exec });
const REFUSAL = 'permission denied while trying to connect to the Docker daemon socket at unix:///x.sock';

describe('a builder that is asked', () => {
  it('says what it runs, and what it compiles on; its engine is not asked', async () => {
    const { exec, asked } = docker({ buildx: { stdout: inspected('remote', BOTH, 'linux/arm64*') } });
    expect(await inspectBuilder('farm', { bootstrap: true, exec })).toEqual({
      name: 'farm',
      driver: 'remote',
      architectures: ['x86_64', 'arm64'],
      compilesOn: { arm64: 'arm64', x86_64: 'x86_64' },
      ociLayouts: true,
    });
    expect(asked).toEqual(['docker buildx inspect --bootstrap farm']);
  });

  it.each([
    ['with the containerd image store', '28.3.1 [["driver-type","io.containerd.snapshotter.v1"]]', true],
    ['without it', '26.1.5 []', false],
    ['that is just new enough', '23.0.0 []', false],
  ])('takes base images as OCI layouts as its engine does: %s', async (_, stdout, ociLayouts) => {
    const answers = { buildx: { stdout: inspected('docker', BOTH) }, '--context': { stdout } };
    expect(await ask(answers)).toMatchObject({ driver: 'docker', ociLayouts });
  });

  it.each<[string, Record<string, Answer>, string, RegExp]>([
    ['no docker', { buildx: { code: 127 } }, 'DOCKER_MISSING', /docker is not installed/],
    [
      'no engine, with all that was said',
      { buildx: { code: 1, stderr: 'cannot connect', stdout: 'some more' } },
      'DOCKER_UNAVAILABLE',
      /No Docker engine is reachable\ncannot connect\nsome more$/,
    ],
    [
      'a word of error and no platforms',
      { buildx: { stdout: `Name: farm\nDriver:\nError: ${REFUSAL}\n` } },
      'DOCKER_REFUSED',
      /at unix:\/\/\/x\.sock denies access/,
    ],
    [
      'other processors',
      { buildx: { stdout: inspected('remote', 'linux/riscv64') } },
      'BUILDER_UNSUITABLE',
      /farm supports neither linux\/arm64 nor linux\/amd64/,
    ],
    [
      'no engine, in one line',
      { buildx: { code: 1, stderr: 'cannot connect' } },
      'DOCKER_UNAVAILABLE',
      /^No Docker engine is reachable\ncannot connect$/,
    ],
    ...['amd64', 'arm64'].map((other): [string, Record<string, Answer>, string, RegExp] => [
      `another processor first, which would compile for what linux/${other} is not`,
      { buildx: { stdout: inspected('remote', 'linux/riscv64', `linux/${other}`) } },
      'BUILDER_UNSUITABLE',
      new RegExp(
        `^Builder farm would build for linux/${other === 'amd64' ? 'arm64' : 'amd64'} on its first node, which supports neither that nor linux/${other}$`,
      ),
    ]),
    [
      'an engine that says nothing of its images, in one line',
      { buildx: { stdout: inspected('docker', BOTH) }, '--context': { code: 1, stderr: 'cannot connect' } },
      'DOCKER_UNAVAILABLE',
      /^No Docker engine is reachable\ncannot connect$/,
    ],
    [
      'an engine that says nothing of its images',
      {
        buildx: { stdout: inspected('docker', BOTH) },
        '--context': { code: 1, stderr: 'cannot connect', stdout: 'some more' },
      },
      'DOCKER_UNAVAILABLE',
      /No Docker engine is reachable\ncannot connect\nsome more$/,
    ],
    [
      'an old engine',
      { buildx: { stdout: inspected('docker', BOTH) }, '--context': { stdout: '22.9.9 []' } },
      'DOCKER_TOO_OLD',
      /engine is 22\.9\.9; 23\.0 or newer/,
    ],
  ])('is refused: %s', async (_, answers, code, message) => {
    const error = await errorOf(ask(answers));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it('is unknown by the name it was asked by', async () => {
    const error = await errorOf(
      ask({ buildx: { code: 1, stderr: 'ERROR: no builder "ranch" found' } }, 'ranch'),
    );
    expect([error.code, error.message]).toEqual(['BUILDER_UNKNOWN', 'There is no buildx builder "ranch"']);
  });
});

describe('a builder that is not asked', () => {
  it.each([
    ['arm64', 'arm64'],
    ['x64', 'x86_64'],
  ])('has the processor of this machine: %s', (arch, own) => {
    vi.stubGlobal('process', Object.create(process, { arch: { value: arch } }));
    expect(assumedBuilder()).toMatchObject({
      driver: 'docker',
      architectures: [own],
      compilesOn: { arm64: own, x86_64: own },
      ociLayouts: true,
    });
  });
});

const builder = (facts: Partial<BuilderFacts>): BuilderFacts => ({
  ...assumedBuilder(),
  ...{ name: 'farm', driver: 'remote', architectures: ['x86_64'] },
  ...facts,
});

describe('a builder for packages that are run', () => {
  it('runs their platforms, or is refused by the names of those that it does not', () => {
    expect(() => requirePlatforms(builder({}), ['x86_64'])).not.toThrow();
    expect(() => requirePlatforms(builder({}), ['x86_64', 'arm64'])).toThrow(
      /^Builder farm cannot run linux\/arm64$/,
    );
    expect(() => requirePlatforms(builder({ architectures: [] }), ['x86_64', 'arm64'])).toThrow(
      /linux\/amd64, linux\/arm64$/,
    );
  });

  it('is an engine, or has one beside it', async () => {
    const none = docker({});
    await requireEngine(builder({ driver: 'docker' }), none.exec);
    expect(none.asked).toEqual([]);
    await expect(requireEngine(builder({}), docker({ version: {} }).exec)).resolves.toBeUndefined();
  });

  it.each([
    [
      'that does not answer',
      'cannot connect',
      'LAB_UNAVAILABLE',
      /beside the builder farm[\s\S]*\ncannot connect$/,
    ],
    ['that refuses this user', REFUSAL, 'DOCKER_REFUSED', /denies access to this user/],
  ])('is refused with an engine beside it %s', async (_, stderr, code, message) => {
    const error = await errorOf(requireEngine(builder({}), docker({ version: { code: 1, stderr } }).exec));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it('may share a network between containers, unless it is the engine itself', () => {
    expect(sharesNetwork({ driver: 'remote' })).toBe(true);
    expect(sharesNetwork({ driver: 'docker' })).toBe(false);
  });
});
