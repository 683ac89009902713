import { describe, expect, it } from 'vitest';
import { diagnose, type FixStep, type HostFacts } from '../../../src/plan/doctor.ts';

const builderWith = (name: string, driver: string, ...nodes: string[][]) => ({
  name,
  driver,
  nodes: nodes.map((platforms) => platforms.map((platform) => ({ platform, explicit: false }))),
});
const engineBuilder = (...platforms: string[]) => builderWith('default', 'docker', platforms);

const complete: HostFacts = {
  os: { id: 'debian', version: '12' },
  root: true,
  systemd: false,
  mirror: 'http://mirror.test/debian',
  newDocker: false,
  docker: { client: true, buildx: true, engine: '26.1.5+dfsg1', daemon: true, configured: true },
  builder: engineBuilder('linux/amd64', 'linux/amd64/v2', 'linux/arm64'),
  runs: new Set(['amd64', 'arm64']),
  programs: new Set(['mmdebstrap', 'arch-test', 'gpgv']),
  binfmt: true,
  archiveKeyring: true,
};
const bare: HostFacts = {
  ...complete,
  docker: { client: false, buildx: false, engine: undefined, daemon: false, configured: false },
  builder: undefined,
  runs: new Set(),
  programs: new Set(),
  binfmt: false,
  archiveKeyring: false,
};
const missing = (host: HostFacts) => diagnose(host).filter((finding) => !finding.ok);
const words = (steps: FixStep[]) =>
  steps
    .map((step) => ('write' in step ? `write ${step.write}` : [step.file, ...step.args].join(' ')))
    .join('\n');
const fixOf = (host: HostFacts, id: string) =>
  words(diagnose(host).find((finding) => finding.id === id)?.fix ?? []);

describe('diagnose', () => {
  it('finds nothing to do where all is there', () => expect(missing(complete)).toEqual([]));

  it('finds everything on a bare machine, and says why each is needed', () => {
    expect(missing(bare)).toHaveLength(diagnose(bare).length);
    for (const finding of missing(bare)) expect(finding.why).not.toBe('');
  });

  it.each([
    [
      'an engine that does not answer',
      { docker: { ...complete.docker, engine: undefined } },
      'docker-engine',
    ],
    [
      'an engine that is too old',
      { docker: { ...complete.docker, engine: '20.10.24+dfsg1' } },
      'docker-engine',
    ],
    ['no buildx', { docker: { ...complete.docker, buildx: false } }, 'docker-buildx'],
    ['no QEMU for arm64', { builder: engineBuilder('linux/amd64') }, 'platform-arm64'],
    ['no mmdebstrap', { programs: new Set(['arch-test', 'gpgv']) }, 'mmdebstrap'],
    ['no keyring', { archiveKeyring: false }, 'archive-keyring'],
  ])('%s', (_, change, id) =>
    expect(missing({ ...complete, ...change }).map((finding) => finding.id)).toEqual([id]),
  );

  it('takes Docker from Debian 13 on Debian 12, by name and pinned low, and with -t only if that fails', () => {
    const fix = fixOf(bare, 'docker-engine');
    expect(fix).toMatch(/write .*turnbuild-trixie\.sources\nwrite .*preferences\.d/);
    expect(fix).toMatch(/docker\.io\/trixie/);
    expect(fix).not.toMatch(/ -t /);
    const steps = diagnose(bare).find(({ id }) => id === 'docker-engine')?.fix ?? [];
    const others = steps.flatMap((step) => ('otherwise' in step && step.otherwise ? [step.otherwise] : []));
    expect(others.map(({ args }) => args.join(' '))).toEqual([
      expect.stringMatching(/^install .*-t trixie docker\.io containerd/),
    ]);
  });

  it('takes it from apt as it is on Debian 13', () => {
    const fix = fixOf({ ...bare, os: { id: 'debian', version: '13' }, newDocker: true }, 'docker-engine');
    expect(fix).not.toMatch(/trixie/);
    expect(fix).toMatch(/install .* docker\.io /);
  });

  it('starts an engine that is installed, without installing anything', () => {
    const fix = fixOf({ ...complete, docker: { ...complete.docker, engine: undefined } }, 'docker-engine');
    expect(fix).toMatch(/^setsid --fork .*dockerd/);
    expect(
      fixOf(
        { ...complete, systemd: true, docker: { ...complete.docker, engine: undefined } },
        'docker-engine',
      ),
    ).toBe('systemctl restart docker');
  });

  it('takes a builder without a driver for what it is: an engine that does not answer', () => {
    const silent = { ...bare, builder: builderWith('default', '') };
    expect(missing(silent)[0]?.id).toBe('docker-engine');
  });

  it('leaves an engine alone that answers but is too old, and says what it has to be', () => {
    const [finding] = missing({ ...complete, docker: { ...complete.docker, engine: '20.10.24+dfsg1' } });
    expect(finding?.title).toMatch(/20\.10\.24.*23\.0 or newer/);
    expect(finding?.fix).toEqual([]);
    expect(finding?.advice).toMatch(/--builder/);
  });

  describe('with a builder elsewhere', () => {
    const remote = builderWith('far', 'remote', ['linux/amd64'], ['linux/arm64']);
    const elsewhere: HostFacts = {
      ...complete,
      docker: { client: true, buildx: true, engine: '29.0.1', daemon: false, configured: false },
      builder: remote,
    };
    it('has nothing to mend', () => expect(missing(elsewhere)).toEqual([]));

    it('wants an engine beside it for the verification, and installs none', () => {
      const [finding] = missing({ ...elsewhere, docker: { ...elsewhere.docker, engine: undefined } });
      expect(finding).toMatchObject({ id: 'docker-engine', fix: [] });
      expect(finding?.advice).toMatch(/DOCKER_HOST.*--no-verify/);
    });

    it('starts its nodes where it has none yet', () => {
      const stopped = { ...elsewhere, builder: builderWith('far', 'docker-container') };
      expect(missing(stopped).map(({ id }) => id)).toEqual(['builder', 'platform-arm64', 'platform-amd64']);
      expect(fixOf(stopped, 'builder')).toBe('docker buildx inspect --bootstrap far');
    });

    it('does not mend a platform of another machine here', () => {
      const half = { ...elsewhere, builder: builderWith('far', 'remote', ['linux/amd64']) };
      expect(missing(half).map(({ id, fix }) => [id, fix])).toEqual([['platform-arm64', []]]);
    });

    it('wants QEMU here all the same, for the roots', () => {
      const plain = { ...elsewhere, runs: new Set(['amd64']) };
      expect(missing(plain).map(({ id }) => id)).toEqual(['runs-arm64']);
      expect(fixOf(plain, 'runs-arm64')).toMatch(/update-binfmts --enable qemu-aarch64/);
    });
  });

  it('keeps a daemon.json that is there', () => {
    expect(fixOf({ ...bare, docker: { ...bare.docker, configured: true } }, 'docker-engine')).not.toMatch(
      /daemon\.json/,
    );
  });

  it.each([
    ['another distribution', { os: { id: 'fedora', version: '42' } }],
    ['macOS', { os: { id: 'darwin', version: '' } }],
    ['a user who is not root', { root: false }],
  ])('changes nothing on %s, and says what to do', (_, change) => {
    for (const finding of missing({ ...bare, ...change })) {
      expect(finding.fix).toEqual([]);
      expect(finding.advice).not.toBe('');
    }
  });
});
