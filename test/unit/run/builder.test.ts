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

/** A fake docker that answers by its first argument. */
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

describe('inspectBuilder', () => {
  it('returns the architectures of a remote builder without asking an engine', async () => {
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
    ['without the containerd image store', '26.1.5 []', false],
    ['of the oldest supported version', '23.0.0 []', false],
  ])('detects whether the engine accepts OCI layouts: %s', async (_, stdout, ociLayouts) => {
    const answers = { buildx: { stdout: inspected('docker', BOTH) }, '--context': { stdout } };
    expect(await ask(answers)).toMatchObject({ driver: 'docker', ociLayouts });
  });

  it.each<[string, Record<string, Answer>, string, RegExp]>([
    ['a missing docker', { buildx: { code: 127 } }, 'DOCKER_MISSING', /docker is not installed/],
    [
      'an unreachable engine, with its complete output',
      { buildx: { code: 1, stderr: 'cannot connect', stdout: 'some more' } },
      'DOCKER_UNAVAILABLE',
      /No Docker engine is reachable\ncannot connect\nsome more$/,
    ],
    [
      'a builder with an error and no platforms',
      { buildx: { stdout: `Name: farm\nDriver:\nError: ${REFUSAL}\n` } },
      'DOCKER_REFUSED',
      /at unix:\/\/\/x\.sock denies access/,
    ],
    [
      'a builder of unsupported platforms',
      { buildx: { stdout: inspected('remote', 'linux/riscv64') } },
      'BUILDER_UNSUITABLE',
      /farm supports neither linux\/arm64 nor linux\/amd64/,
    ],
    [
      'an unreachable engine, with a single line of output',
      { buildx: { code: 1, stderr: 'cannot connect' } },
      'DOCKER_UNAVAILABLE',
      /^No Docker engine is reachable\ncannot connect$/,
    ],
    ...['amd64', 'arm64'].map((other): [string, Record<string, Answer>, string, RegExp] => [
      `an unsupported first node, which would build the platform other than linux/${other}`,
      { buildx: { stdout: inspected('remote', 'linux/riscv64', `linux/${other}`) } },
      'BUILDER_UNSUITABLE',
      new RegExp(
        `^Builder farm would build for linux/${other === 'amd64' ? 'arm64' : 'amd64'} on its first node, which supports neither that nor linux/${other}$`,
      ),
    ]),
    [
      'an engine that fails to describe itself, with a single line of output',
      { buildx: { stdout: inspected('docker', BOTH) }, '--context': { code: 1, stderr: 'cannot connect' } },
      'DOCKER_UNAVAILABLE',
      /^No Docker engine is reachable\ncannot connect$/,
    ],
    [
      'an engine that fails to describe itself, with its complete output',
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
  ])('refuses %s', async (_, answers, code, message) => {
    const error = await errorOf(ask(answers));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it('names an unknown builder', async () => {
    const error = await errorOf(
      ask({ buildx: { code: 1, stderr: 'ERROR: no builder "ranch" found' } }, 'ranch'),
    );
    expect([error.code, error.message]).toEqual(['BUILDER_UNKNOWN', 'There is no buildx builder "ranch"']);
  });
});

describe('assumedBuilder', () => {
  it.each([
    ['arm64', 'arm64'],
    ['x64', 'x86_64'],
  ])('has the architecture of this machine: %s', (arch, own) => {
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

describe('requirements of verification', () => {
  it('requirePlatforms names the platforms that the builder cannot run', () => {
    expect(() => requirePlatforms(builder({}), ['x86_64'])).not.toThrow();
    expect(() => requirePlatforms(builder({}), ['x86_64', 'arm64'])).toThrow(
      /^Builder farm cannot run linux\/arm64$/,
    );
    expect(() => requirePlatforms(builder({ architectures: [] }), ['x86_64', 'arm64'])).toThrow(
      /linux\/amd64, linux\/arm64$/,
    );
  });

  it('requireEngine accepts the engine of a docker driver, or a reachable one', async () => {
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
  ])('requireEngine refuses an engine %s', async (_, stderr, code, message) => {
    const error = await errorOf(requireEngine(builder({}), docker({ version: { code: 1, stderr } }).exec));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it('sharesNetwork is true unless the builder is the engine itself', () => {
    expect(sharesNetwork({ driver: 'remote' })).toBe(true);
    expect(sharesNetwork({ driver: 'docker' })).toBe(false);
  });
});
