import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type CheckResult,
  MANIFEST_SCHEMA,
  type Manifest,
  type ManifestStep,
  manifestSchema,
} from '../../../src/manifest/schema.ts';
import { advisoriesFor, advisoriesSchema } from '../../../src/recipe/advisories.ts';
import { parseRecipeFile } from '../../../src/recipe/parse.ts';

type Arch = 'arm64' | 'x86_64';

export const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

const CHECKS: [id: string, title: string, reason: string, figures?: CheckResult['figures']][] = [
  [
    'elf-architecture',
    'Built for its architecture',
    'A cross build can pick up a native object without a word.',
    { files: 6 },
  ],
  [
    'elf-libraries',
    'Needs only known libraries',
    'A library that the distribution does not have stops the installation.',
    { needed: 11 },
  ],
  ['elf-rpath', 'Has no RPATH', 'A search path into the build tree lets others plant libraries.'],
  [
    'elf-hardening',
    'Hardened: PIE, RELRO, stack protector, FORTIFY',
    'The server parses packets from strangers.',
  ],
  ['prometheus-linked', 'Prometheus is compiled in', 'configure drops it with a mere warning.'],
  ['install', 'Installs in a clean root', 'apt must find every dependency by itself.', { dependencies: 31 }],
  ['upgrade', "Upgrades from the distribution's own coturn", 'An edited configuration must survive.'],
  ['purge', 'Removes and purges cleanly', 'Left-overs break the next installation.'],
  [
    'unit-exposure',
    'systemd unit is confined',
    'systemd-analyze security must say 1.6 or less.',
    { exposure: 1.5 },
  ],
  [
    'config-known',
    'Configuration has only known options',
    'coturn runs on without an option that it does not know.',
    { options: 38 },
  ],
  ['rfc5769', 'RFC 5769 test vectors', 'The message integrity code must be right on this architecture.'],
  [
    'start',
    'Starts with the shipped configuration',
    'A default that does not start helps nobody.',
    { seconds: 1.2 },
  ],
  ['stun', 'Answers STUN', 'It is the first request of every client.', { requests: 5, responses: 5 }],
  ['turn-udp', 'Relays over UDP', 'Long-term credentials, data both ways.', { sent: 200, received: 200 }],
  ['turn-tcp', 'Relays over TCP', 'Long-term credentials, data both ways.', { sent: 200, received: 200 }],
  ['turn-tls', 'Relays over TLS', 'REST secret, data both ways.', { sent: 200, received: 200 }],
  ['turn-dtls', 'Relays over DTLS', 'REST secret, data both ways.', { sent: 200, received: 200 }],
  [
    'wrong-password',
    'Refuses a wrong password',
    'An open relay is the worst that can be shipped.',
    { refused: 3 },
  ],
  ['metrics-names', "Metrics are this version's", 'Dashboards depend on the exact names.', { names: 17 }],
  [
    'metrics-agree',
    'Metrics agree with the traffic',
    'A counter that is wrong is worse than none.',
    { expected: 800, counted: 800 },
  ],
  ['sigterm', 'Ends with 0 on SIGTERM', 'Else systemd takes each stop for a crash.'],
];

const TRAFFIC = ['rcvp', 'rcvb', 'sentp', 'sentb'].flatMap((n) => [n, `peer_${n}`]);

function metrics(factor: number): Record<string, number> {
  const value = (name: string): number => factor * (name.endsWith('b') ? 160_000 : 800);
  return {
    ...Object.fromEntries(TRAFFIC.map((name) => [`turn_total_traffic_${name}`, value(name)])),
    ...Object.fromEntries(
      TRAFFIC.map((name) => [`turn_traffic_${name}{realm="turn.example.org"}`, value(name)]),
    ),
    turn_total_allocations: 0,
  };
}

function checks(failing: boolean, native: boolean): CheckResult[] {
  return CHECKS.map(([id, title, reason, figures = {}]) => {
    const base = { id, title, reason, figures, status: 'passed', message: '' } as const;
    if (failing && id === 'metrics-agree') {
      const message =
        'turn_total_traffic_peer_sentp grew by 797, but 800 messages were relayed to the peer.\nThe difference is 3 packets of 200 bytes each.';
      return { ...base, status: 'failed', message, figures: { expected: 800, counted: 797 } };
    }
    if (!native && id === 'unit-exposure') {
      return {
        ...base,
        status: 'cannot-here',
        message: 'systemd-analyze does not run under qemu-user',
        figures: {},
      };
    }
    return { ...base, ...(id === 'stun' ? { reference: 'https://www.rfc-editor.org/rfc/rfc8489' } : {}) };
  });
}

function steps(target: string, arch: Arch, failing: boolean): ManifestStep[] {
  const debian = arch === 'arm64' ? 'arm64' : 'amd64';
  const file = `4.6.1-1~turnbuild1+${target.replace('ian-', '')}_${debian}`;
  const common = { target, arch, status: 'done' } as const;
  const output = (path: string, kind: 'build' | 'deb' | 'deb-dbgsym' | 'verify', size: number) => ({
    path,
    kind,
    size,
    sha256: sha(path),
    target,
    arch,
  });
  const built = output(`build/${target}-${arch}.tar`, 'build', 6_815_744);
  const packages = [
    output(`coturn_${file}.deb`, 'deb', arch === 'arm64' ? 349_812 : 358_144),
    output(`coturn-dbgsym_${file}.deb`, 'deb-dbgsym', 1_204_560),
  ];
  const goesIn = (files: readonly ReturnType<typeof output>[]) =>
    files.map(({ path, sha256 }) => ({ path, sha256 }));
  const bases = { [`${target}-build`]: `sha256:${sha(target)}` };
  return [
    {
      ...common,
      id: `build-${target}-${arch}`,
      stage: 'build',
      key: sha(`b${target}${arch}`),
      planned: sha(`planned b${target}${arch}`),
      inputs: [],
      bases,
      seconds: arch === 'arm64' ? 74.2 : 68.9,
      outputs: [built],
      log: `logs/build-${target}-${arch}.log`,
      facts: {
        compiler: target === 'debian-12' ? 'gcc 12.2.0-14' : 'gcc 14.2.0-19',
        features: ['prometheus', 'systemd', 'sqlite', 'postgresql', 'mariadb', 'redis', 'sctp'],
        crossCompiled: arch === 'arm64',
        toolchain: {
          binutils: '2.40-2',
          'libc6-dev': '2.36-9',
          'libevent-dev': '2.1.12-stable-8',
          'libssl-dev': '3.0.17-1',
        },
      },
    },
    {
      ...common,
      id: `package-${target}-${arch}`,
      stage: 'package',
      key: sha(`p${target}${arch}`),
      planned: sha(`planned p${target}${arch}`),
      inputs: goesIn([built]),
      bases,
      seconds: 9.4,
      outputs: packages,
      log: `logs/package-${target}-${arch}.log`,
    },
    {
      ...common,
      id: `verify-${target}-${arch}`,
      stage: 'verify',
      key: sha(`v${target}${arch}`),
      planned: sha(`planned v${target}${arch}`),
      inputs: goesIn([built, ...packages]),
      bases,
      status: failing ? 'failed' : 'done',
      seconds: arch === 'arm64' ? 141.7 : 63.1,
      outputs: [output(`verify/${target}-${arch}.json`, 'verify', 18_204)],
      log: `logs/verify-${target}-${arch}.log`,
      checks: checks(failing, arch === 'x86_64'),
      metrics: metrics(1),
      ...(failing
        ? { error: '1 check failed\nmetrics-agree: turn_total_traffic_peer_sentp grew by 797' }
        : {}),
    },
  ];
}

/** The manifest of a release of coturn 4.6.1 for two targets and both architectures. */
export function fixture({ failing = false }: { failing?: boolean } = {}): Manifest {
  const known = parseRecipeFile(
    'recipes/advisories.yaml',
    readFileSync(new URL('../../../recipes/advisories.yaml', import.meta.url), 'utf8'),
    advisoriesSchema,
  );
  const variants = ['debian-12', 'debian-13'].flatMap((t) =>
    (['arm64', 'x86_64'] as const).map((a) => [t, a] as const),
  );
  return manifestSchema.parse({
    schema: MANIFEST_SCHEMA,
    turnbuild: '0.1.0',
    plan: sha('plan'),
    coturn: { version: '4.6.1', revision: 1, epoch: 1_670_094_000 },
    packageVersion: '4.6.1+turnbuild-1',
    source: {
      provider: 'debian',
      location: 'https://mirror.test/debian/pool/main/c/coturn/coturn_4.6.1.orig.tar.gz',
      sha256: sha('tarball'),
      tree: sha('tree'),
      commit: '9ac6b2ac2a1b5e6c1c6a0b7d3b6c53f0d2b9d1aa',
    },
    advisories: advisoriesFor('4.6.1', known),
    bases: variants.map(([target, arch]) => ({
      name: `${target}-build`,
      suite: target === 'debian-12' ? 'bookworm' : 'trixie',
      arch,
      origin: 'bootstrapped',
      digest: `sha256:${sha(`base${target}${arch}`)}`,
      packages: {
        'base-files': '12.4+deb12u12',
        bash: '5.2.15-2+b8',
        dpkg: '1.21.22',
        libc6: '2.36-9+deb12u13',
      },
    })),
    steps: [...variants.flatMap(([t, a]) => steps(t, a, failing && t === 'debian-13' && a === 'arm64'))],
  });
}

/** The same manifest with `edit`'s changes applied to each step. */
export function withSteps(
  manifest: Manifest,
  edit: (step: ManifestStep) => Partial<ManifestStep> | undefined,
): Manifest {
  return { ...manifest, steps: manifest.steps.map((step) => ({ ...step, ...edit(step) })) };
}

/** The same release with verified machine images for two clouds. */
export function withImages(): Manifest {
  const manifest = fixture();
  const packaged = manifest.steps.find(({ id }) => id === 'package-debian-13-arm64');
  if (packaged === undefined) throw new Error('the fixture has a package');
  const images = (['aws', 'gce'] as const).flatMap((cloud): ManifestStep[] => {
    const path = `coturn-4.6.1-1-${cloud}-arm64.${cloud === 'aws' ? 'raw.zst' : 'tar.gz'}`;
    const step = { ...packaged, cloud, facts: { packages: ['zlib1g 1 zlib 1'] } };
    return [
      {
        ...{ ...step, id: `image:${cloud}:arm64`, stage: 'image' },
        inputs: packaged.outputs.map((output) => ({ path: output.path, sha256: output.sha256 })),
        outputs: [{ path, kind: 'image', size: 1024, sha256: sha(path), target: 'debian-13', arch: 'arm64' }],
      },
      {
        ...{ ...step, id: `boot:${cloud}:arm64`, stage: 'boot', inputs: [{ path, sha256: sha(path) }] },
        ...{ outputs: [], checks: checks(false, true) },
      },
    ];
  });
  return { ...manifest, steps: [...manifest.steps, ...images] };
}

/** The release reduced to one package. */
export function onePackage(manifest: Manifest = fixture()): Manifest {
  const steps = manifest.steps.filter(({ target, arch }) => target === 'debian-13' && arch === 'arm64');
  return { ...manifest, steps };
}

/** The same structure with hostile text in every string and in every key of a free-form map. */
export function plant(value: unknown, nasty: string, freeKeys = false): unknown {
  if (typeof value === 'string') return value + nasty;
  if (Array.isArray(value)) return value.map((item) => plant(item, nasty));
  if (value === null || typeof value !== 'object') return value;
  const free = new Set(['figures', 'metrics', 'facts', 'packages', 'toolchain']);
  const enums = new Set(['status', 'stage', 'kind', 'severity', 'provider', 'origin']);
  return Object.fromEntries(
    Object.entries(value).map(([key, v]) => [
      freeKeys ? key + nasty : key,
      enums.has(key) ? v : plant(v, nasty, free.has(key)),
    ]),
  );
}

/** The visible text of HTML. */
export function wordsOf(html: string): string {
  return html
    .replace(/<wbr>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The rows of a table, each as the texts of its cells. */
export function rowsOf(html: string): string[][] {
  return [...html.matchAll(/<tr\b[\s\S]*?<\/tr>/g)].map(([row]) =>
    [...row.matchAll(/<(t[hd])\b[\s\S]*?<\/\1>/g)].map(([cell]) => wordsOf(cell)),
  );
}
