import { describe, expect, it } from 'vitest';
import { type Finding, isDue } from '../../../src/doctor/finding.ts';
import { diagnose, type HostFacts } from '../../../src/doctor/requirements.ts';
import { formatCommand } from '../../../src/plan/command.ts';

const builderWith = (name: string, driver: string, ...nodes: string[][]) => ({
  name,
  driver,
  nodes: nodes.map((platforms) => platforms.map((platform) => ({ platform, explicit: false }))),
});
const engineBuilder = (...platforms: string[]) => builderWith('default', 'docker', platforms);

const complete: HostFacts = {
  os: { id: 'debian', version: '12', like: [] },
  root: true,
  systemd: false,
  arch: 'amd64',
  docker: { client: true, buildx: true, engine: '26.1.5+dfsg1', daemon: true, configured: true },
  builder: engineBuilder('linux/amd64', 'linux/amd64/v2', 'linux/arm64'),
  runs: new Set(['amd64', 'arm64']),
  emulates: new Set(['arm64']),
  programs: new Set(['mmdebstrap', 'arch-test', 'gpgv']),
  packages: new Set(),
  archiveKeyring: true,
  registry: false,
};
const bare: HostFacts = {
  ...complete,
  docker: { client: false, buildx: false, engine: undefined, daemon: false, configured: false },
  builder: undefined,
  runs: new Set(),
  emulates: new Set(),
  programs: new Set(),
  archiveKeyring: false,
};
const missing = (host: HostFacts) => diagnose(host).filter(isDue);
const findingOf = (host: HostFacts, id: string): Finding => {
  const found = diagnose(host).find((finding) => finding.id === id);
  if (found === undefined) throw new Error(`no finding ${id}`);
  return found;
};
const commandsOf = (host: HostFacts, id: string) => findingOf(host, id).fix.map(formatCommand).join('\n');
const silent = { ...complete, docker: { ...complete.docker, engine: undefined } };

const PUBLISH = ['gpg', 'gpgv', 'ftparchive', 'rpm', 'createrepo'].map((name) => `publish-${name}`);

describe('diagnose for publishing', () => {
  const due = (programs: string[], purpose?: 'build' | 'publish') =>
    diagnose({ ...bare, programs: new Set(programs) }, [], purpose).filter(isDue);

  it('requires only the programs that publishing needs, and installs them', () => {
    const findings = due([], 'publish');
    expect(findings.map(({ id }) => id)).toEqual(PUBLISH);
    expect(findings.flatMap(({ packages }) => packages)).toEqual([
      'gpg',
      'gpg-agent',
      'gpgv',
      'apt-utils',
      'rpm',
      'createrepo-c',
    ]);
    const all = [
      'gpg',
      'gpg-agent',
      'gpgv',
      'apt-ftparchive',
      'rpm',
      'rpmsign',
      'rpmkeys',
      'createrepo_c',
      'mergerepo_c',
    ];
    expect(due(all, 'publish')).toEqual([]);
    for (const program of all)
      expect(
        due(
          all.filter((each) => each !== program),
          'publish',
        ),
        program,
      ).toHaveLength(1);
  });

  it('does not fail a machine that only builds', () => {
    expect(diagnose(complete).filter(isDue)).toEqual([]);
    expect(diagnose(complete, [], 'build').filter(({ id }) => id.startsWith('publish-'))).toEqual([]);
    expect(findingOf(complete, 'publish-rpm').advice).toBe('turnbuild doctor --for publish --fix');
  });
});

describe('diagnose', () => {
  it('finds nothing to do on a complete machine', () => expect(missing(complete)).toEqual([]));

  it('lists every requirement on a bare machine, with the reason for each', () => {
    // Only the registry is optional, which mmdebstrap replaces, and what publishing needs.
    const optional = diagnose(bare).filter((finding) => !isDue(finding));
    expect(optional.map(({ id }) => id)).toEqual(['registry', ...PUBLISH]);
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
    ['missing buildx', { docker: { ...complete.docker, buildx: false } }, 'docker-buildx'],
    ['missing QEMU for arm64', { builder: engineBuilder('linux/amd64') }, 'platform-arm64'],
    ['missing mmdebstrap', { programs: new Set(['arch-test', 'gpgv']) }, 'mmdebstrap'],
    ['a missing keyring', { archiveKeyring: false }, 'archive-keyring'],
  ])('reports %s', (_, change, id) =>
    expect(missing({ ...complete, ...change }).map((finding) => finding.id)).toEqual([id]),
  );

  it.each([
    [
      'refuses this user',
      'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: dial',
      /group/,
    ],
    [
      'is remote and unreachable',
      'Cannot connect to the Docker daemon at tcp://192.0.2.1:2375. Is the docker daemon running?',
      /DOCKER_HOST/,
    ],
  ])('installs and starts nothing if the configured engine %s', (_, text, advice) => {
    const host = {
      ...silent,
      builder: builderWith('default', ''),
      docker: { ...silent.docker, failure: text, daemon: false },
    };
    const found = missing(host);
    expect(found.map(({ id }) => id)).toEqual(['docker-engine', 'platform-arm64', 'platform-amd64']);
    expect(found.flatMap(({ packages, fix }) => [...packages, ...fix])).toEqual([]);
    expect(found[0]?.advice).toMatch(advice);
  });

  it('installs an engine, its client and its configuration', () => {
    const { packages, files } = findingOf(bare, 'docker-engine');
    expect(packages).toEqual(['docker.io', 'docker-cli']);
    expect(files['/etc/docker/daemon.json']).toMatch(/containerd-snapshotter/);
    expect(commandsOf(bare, 'docker-engine')).toMatch(/^setsid --fork .*dockerd/);
    expect(findingOf(bare, 'docker-buildx').packages).toEqual(['docker-buildx']);
  });

  it('uses an existing Docker client, whatever its source', () => {
    const foreign = { ...bare, docker: { ...bare.docker, client: true } };
    expect(findingOf(foreign, 'docker-engine').packages).toEqual(['docker.io']);
  });

  it('starts an installed engine without installing or configuring anything', () => {
    const unconfigured = { ...silent, docker: { ...silent.docker, configured: false } };
    expect(findingOf(unconfigured, 'docker-engine')).toMatchObject({ packages: [], files: {} });
    expect(commandsOf(silent, 'docker-engine')).toMatch(/^setsid --fork .*dockerd/);
  });

  it('starts an engine with systemctl, but never restarts it', () =>
    expect(commandsOf({ ...silent, systemd: true }, 'docker-engine')).toBe('systemctl start docker'));

  describe('emulation', () => {
    it('registers QEMU for the other architecture with idempotent commands', () => {
      expect(findingOf(bare, 'platform-arm64').packages).toEqual(['qemu-user-static']);
      expect(commandsOf(bare, 'platform-arm64')).toMatch(
        /mountpoint -q .* \|\| mount .*\n.*test -e .*qemu-aarch64 \|\| cat/,
      );
    });

    it("is not needed for the machine's own architecture", () => {
      expect(findingOf(bare, 'platform-amd64')).toMatchObject({ ok: false, packages: [], fix: [] });
      expect(findingOf({ ...bare, arch: 'arm64' }, 'platform-amd64').packages).not.toEqual([]);
    });

    it('is left alone while no engine answers, and installed if the engine lacks it', () => {
      expect(findingOf({ ...silent, builder: undefined }, 'platform-arm64')).toMatchObject({
        packages: [],
        fix: [],
      });
      const useless = { ...complete, builder: engineBuilder('linux/amd64') };
      expect(findingOf(useless, 'platform-arm64').packages).toEqual(['qemu-user-static']);
    });
  });

  it('checks additional packages on request', () => {
    const findings = diagnose({ ...complete, packages: new Set(['gcc']) }, ['gcc', 'rpm']);
    expect(findings.filter(isDue).map(({ id, packages }) => [id, packages])).toEqual([
      ['package-rpm', ['rpm']],
    ]);
  });

  it('treats a builder without a driver as an engine that does not answer', () => {
    const nothing = { ...bare, builder: builderWith('default', '') };
    expect(missing(nothing)[0]?.id).toBe('docker-engine');
  });

  it('leaves an outdated engine alone, but states the required version', () => {
    const [finding] = missing({ ...complete, docker: { ...complete.docker, engine: '20.10.24+dfsg1' } });
    expect(finding?.title).toMatch(/23\.0 or newer.*20\.10\.24/);
    expect(finding).toMatchObject({ packages: [], files: {}, fix: [] });
    expect(finding?.advice).toMatch(/--builder/);
  });

  describe('with a remote builder', () => {
    const remote = builderWith('far', 'remote', ['linux/amd64'], ['linux/arm64']);
    const elsewhere: HostFacts = {
      ...complete,
      docker: { client: true, buildx: true, engine: '29.0.1', daemon: false, configured: false },
      builder: remote,
    };
    it('has nothing to fix', () => expect(missing(elsewhere)).toEqual([]));

    it('requires an engine for the verification, but does not install one', () => {
      const [finding] = missing({ ...elsewhere, docker: { ...elsewhere.docker, engine: undefined } });
      expect(finding).toMatchObject({ id: 'docker-engine', packages: [], fix: [] });
      expect(finding?.advice).toMatch(/DOCKER_HOST.*--no-verify/);
    });

    it('starts its nodes if it has none yet', () => {
      const stopped = { ...elsewhere, builder: builderWith('far', 'docker-container') };
      expect(missing(stopped).map(({ id }) => id)).toEqual(['builder', 'platform-arm64', 'platform-amd64']);
      expect(commandsOf(stopped, 'builder')).toBe('docker buildx inspect --bootstrap far');
    });

    it('does not install QEMU here for a platform that the builder lacks', () => {
      const half = { ...elsewhere, builder: builderWith('far', 'remote', ['linux/amd64']) };
      expect(missing(half).map(({ id, fix, packages }) => [id, fix, packages])).toEqual([
        ['platform-arm64', [], []],
      ]);
    });

    it('still requires QEMU here, for the base images', () => {
      const plain = { ...elsewhere, runs: new Set(['amd64']) };
      expect(missing(plain).map(({ id }) => id)).toEqual(['runs-arm64']);
      expect(commandsOf(plain, 'runs-arm64')).toMatch(/qemu-aarch64\.conf/);
    });
  });

  it('keeps an existing daemon.json', () => {
    const configured = { ...bare, docker: { ...bare.docker, configured: true } };
    expect(findingOf(configured, 'docker-engine').files).toEqual({});
  });

  it.each([
    ['on another distribution', { os: { id: 'fedora', version: '42', like: [] } }],
    ['on macOS', { os: { id: 'darwin', version: '', like: [] } }],
    ['for a user who is not root', { root: false }],
  ])('changes nothing %s, but gives advice', (_, change) => {
    for (const finding of missing({ ...bare, ...change })) {
      expect(finding).toMatchObject({ packages: [], files: {}, fix: [] });
      expect(finding.advice).not.toBe('');
    }
  });

  describe('with a registry for official images', () => {
    const registry = { ...bare, registry: true };
    const ids = (host: HostFacts) => missing(host).map(({ id }) => id);
    const MACHINE = ['docker-engine', 'docker-buildx', 'platform-arm64', 'platform-amd64'];

    it('needs no tools to bootstrap base images', () => {
      expect(ids(registry)).toEqual([...MACHINE, 'gpgv', 'archive-keyring']);
      const builder = builderWith('far', 'remote', ['linux/amd64'], ['linux/arm64']);
      expect(
        ids({
          ...complete,
          ...{ builder, registry: true, runs: new Set<string>(), programs: new Set(['gpgv']) },
        }),
      ).toEqual([]);
      expect(findingOf(registry, 'registry')).toMatchObject({ ok: true });
    });

    it('makes gpgv optional on another distribution, and states its purpose', () => {
      const ubuntu = { ...registry, os: { id: 'ubuntu', version: '24.04', like: ['debian'] } };
      expect(ids(ubuntu)).toEqual(MACHINE);
      expect(findingOf(ubuntu, 'gpgv')).toMatchObject({
        ok: false,
        optional: true,
        why: /sources from the Debian archive/,
      });
    });
  });

  describe('the advice', () => {
    const advice = (id: string, os: HostFacts['os'], more: Partial<HostFacts> = {}) =>
      findingOf({ ...bare, root: false, ...more, os }, id).advice;
    const ubuntu = { id: 'ubuntu', version: '24.04', like: ['debian'] };
    const mint = { id: 'linuxmint', version: '22', like: ['ubuntu', 'debian'] };
    const fedora = { id: 'fedora', version: '42', like: [] };
    const rocky = { id: 'rocky', version: '9.5', like: ['rhel', 'centos', 'fedora'] };
    const macos = { id: 'darwin', version: '', like: [] };
    const arch = { id: 'arch', version: '', like: [] };

    it.each<[string, HostFacts['os'], RegExp]>([
      ['docker-engine', ubuntu, /^sudo apt-get install docker\.io$/],
      ['docker-engine', mint, /^sudo apt-get install/],
      ['docker-engine', fedora, /^sudo dnf install moby-engine/],
      ['docker-engine', macos, /^Install Docker Desktop/],
      ['docker-engine', arch, /^Install Docker Engine/],
      ['docker-buildx', fedora, /^sudo dnf install docker-buildx/],
      ['docker-buildx', macos, /brew install docker-buildx/],
      ['platform-arm64', rocky, /^sudo dnf install qemu-user-static/],
      ['platform-arm64', macos, /^Docker Desktop includes QEMU/],
      ['mmdebstrap', ubuntu, /^sudo apt-get install mmdebstrap arch-test\. Or: Connect .*registry/],
      ['mmdebstrap', macos, /^Connect the builder to a container registry/],
      ['gpgv', macos, /^brew install gnupg$/],
      ['archive-keyring', fedora, /^sudo dnf install debian-keyring$/],
    ])('for a missing %s fits the system %o', (id, os, expected) => {
      expect(advice(id, os)).toMatch(expected);
    });

    it('omits sudo for root', () => {
      expect(advice('docker-engine', ubuntu, { root: true })).toBe('apt-get install docker.io');
    });

    it('is doctor --fix on the Debian versions that it supports', () => {
      const debian = { id: 'debian', version: '13', like: [] };
      expect(advice('docker-engine', debian)).toBe('Run `turnbuild doctor --fix` as root.');
      expect(advice('docker-engine', debian, { root: true })).toBe('turnbuild doctor --fix');
      expect(advice('docker-engine', { ...debian, version: '11' })).toMatch(/apt-get/);
    });
  });
});
