import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createPlan } from '../../../src/plan/index.ts';
import { extraPackagesOf, hasSsh, imageArgs, imageFiles } from '../../../src/plan/machine.ts';
import type { PlannedStep } from '../../../src/plan/types.ts';
import { machine, releaseFacts } from '../../support/plan-facts.ts';

const facts = { ...releaseFacts, targets: ['debian-13'], machine };
const { steps } = createPlan(facts);
const stepOf = (id: string): PlannedStep => {
  const found = steps.find((step) => step.id === id);
  if (found === undefined) throw new Error(`no step ${id}`);
  return found;
};
const args = (cloud: 'aws' | 'gce', arch: 'arm64' | 'x86_64', more: Partial<typeof machine> = {}) =>
  imageArgs(machine.recipe, { ...machine, ...more, cloud, arch, seed: 'seed' });

describe('a plan with images', () => {
  it('has an image and its boot for each cloud and architecture', () => {
    const ids = steps.map(({ id }) => id).filter((id) => /^(image|boot):/.test(id));
    expect(ids).toEqual(
      ['arm64', 'x86_64'].flatMap((arch) =>
        ['aws', 'gce'].flatMap((cloud) => [`image:${cloud}:${arch}`, `boot:${cloud}:${arch}`]),
      ),
    );
  });

  it('builds images only of verified packages, and boots what was built', () => {
    expect(stepOf('image:aws:arm64').needs).toEqual(
      ['build', 'package', 'verify'].map((stage) => `${stage}:debian-13:arm64`),
    );
    expect(stepOf('boot:aws:arm64').needs).toEqual(['image:aws:arm64']);
    expect(stepOf('boot:aws:arm64').packages).toEqual([stepOf('image:aws:arm64').outputs[0]]);
  });

  it('names images by version, revision, cloud and architecture, in the format that the cloud imports', () => {
    expect(stepOf('image:aws:arm64').outputs[0]).toBe('coturn-4.6.1-1-aws-arm64.raw.zst');
    expect(stepOf('image:gce:x86_64').outputs[0]).toBe('coturn-4.6.1-1-gce-x86_64.tar.gz');
    expect(
      imageFiles({ version: '4.16.0', revision: 3 }, { cloud: 'gce', arch: 'arm64', format: 'tar.gz' }),
    ).toEqual({
      disk: 'coturn-4.16.0-3-gce-arm64.tar.gz',
      packages: 'coturn-4.16.0-3-gce-arm64.packages.txt',
      sbom: 'coturn-4.16.0-3-gce-arm64.cdx.json',
    });
  });

  it('judges the size limit without rebuilding the image', () => {
    expect(stepOf('boot:aws:arm64').buildArgs.MAX_USED_MIB).toBe('250');
    expect(stepOf('boot:gce:arm64').buildArgs.MAX_USED_MIB).toBe('300');
    expect(stepOf('image:aws:arm64').buildArgs.MAX_USED_MIB).toBe('250');
    // A build argument that the Dockerfile does not declare leaves its cache valid.
    const dockerfile = new URL('../../../recipes/docker/machine.Dockerfile', import.meta.url);
    expect(readFileSync(dockerfile, 'utf8')).not.toContain('MAX_USED_MIB');
  });

  it('installs a package from elsewhere in the images of its architecture, by its hash', () => {
    const extra = [
      { name: 'agent', version: '1', architecture: 'arm64', sha256: 'a'.repeat(64) },
      { name: 'tool', version: '1', architecture: 'all', sha256: 'b'.repeat(64) },
    ];
    const [arm64, x86_64] = (['arm64', 'x86_64'] as const).map((arch) => args('aws', arch, { extra }));
    expect(arm64?.EXTRA_PACKAGES).toBe(`agent=${'a'.repeat(64)} tool=${'b'.repeat(64)}`);
    const step = { ...stepOf('image:aws:x86_64'), buildArgs: x86_64 ?? {} };
    expect(extraPackagesOf(step)).toEqual([{ name: 'tool', sha256: 'b'.repeat(64) }]);
    expect(extraPackagesOf(stepOf('image:aws:arm64'))).toEqual([]);
    expect(args('aws', 'arm64').EXTRA_PACKAGES).toBeUndefined();
  });

  it("uses the build platform's tools in a foreign root only", () => {
    expect(stepOf('image:aws:arm64').buildArgs).toMatchObject({
      TOOLS: 'native',
      NATIVE_TRIPLE: 'x86_64-linux-gnu',
    });
    expect(stepOf('image:aws:x86_64').buildArgs.TOOLS).toBeUndefined();
  });

  it('keeps the names of files when SSH is chosen, but not the inputs of the steps', () => {
    const chosen = createPlan({ ...facts, machine: { ...machine, ssh: 'cloud' } }).steps;
    const changed = chosen.filter(
      (step) => JSON.stringify(step.buildArgs) !== JSON.stringify(stepOf(step.id).buildArgs),
    );
    expect(changed.map(({ id }) => id)).toEqual(
      ['arm64', 'x86_64'].flatMap((arch) => [`image:aws:${arch}`, `boot:aws:${arch}`]),
    );
    expect(changed.map(({ outputs }) => outputs)).toEqual(changed.map(({ id }) => stepOf(id).outputs));
    expect(changed.every(hasSsh)).toBe(true);
  });

  it('has no images of other targets, and none in a release of packages', () => {
    const ids = (more: object) => createPlan({ ...facts, ...more }).steps.map(({ stage }) => stage);
    expect(ids({ targets: ['debian-12'] })).not.toContain('image');
    expect(ids({ machine: undefined })).not.toContain('image');
  });
});

describe('machine.Dockerfile', () => {
  const read = (path: string) =>
    readFileSync(new URL(`../../../recipes/docker/${path}`, import.meta.url), 'utf8');

  it('installs the current packages of the archive in every stage that uses apt', () => {
    const stages = read('machine.Dockerfile').split(/^(?=FROM )/m);
    const scripts = (stage: string) =>
      [...stage.matchAll(/machine\/\w+\.sh/g)].map(([path]) => read(path)).join('');
    const using = stages.filter((stage) => /^\s*(RUN )?apt-get update/m.test(stage + scripts(stage)));
    expect(using).toHaveLength(5);
    for (const stage of using) expect(stage).toMatch(/^ARG ARCHIVE_STATE\n[\s\S]*^RUN /m);
  });
});

describe('imageArgs', () => {
  it('has the names of each architecture', () => {
    expect(args('aws', 'arm64')).toMatchObject({
      KERNEL: 'linux-image-cloud-arm64',
      EFI_NAME: 'BOOTAA64.EFI',
      REPART_ARCH: 'arm64',
      CONSOLE: '',
    });
    expect(args('aws', 'x86_64')).toMatchObject({
      KERNEL: 'linux-image-cloud-amd64',
      EFI_NAME: 'BOOTX64.EFI',
      REPART_ARCH: 'x86-64',
      CONSOLE: 'console=ttyS0,115200',
    });
  });

  it('has the time server, drivers and format of each cloud', () => {
    expect(args('aws', 'arm64')).toMatchObject({
      TIME_SERVER: '169.254.169.123 fd00:ec2::123',
      DISK_FORMAT: 'raw.zst',
    });
    expect(args('aws', 'arm64').MODULES).toBe('ena virtio_net virtio_rng');
    expect(args('gce', 'arm64')).toMatchObject({ TIME_SERVER: '169.254.169.254', DISK_FORMAT: 'tar.gz' });
    expect(args('gce', 'arm64').MODULES).toBe('gve idpf virtio_net virtio_rng');
  });

  it("installs an SSH server by default only where the cloud's own tools manage the keys", () => {
    expect(hasSsh(stepOf('image:aws:arm64'))).toBe(false);
    expect(hasSsh(stepOf('image:gce:arm64'))).toBe(true);
  });

  it.each([
    ['aws', 'cloud', 'openssh-server sudo', 'ssh ssh-aws'],
    ['aws', 'none', '', ''],
    [
      'gce',
      'cloud',
      'google-compute-engine-oslogin google-guest-agent openssh-server sudo',
      'gce ssh ssh-gce',
    ],
    ['gce', 'none', 'google-guest-agent', 'gce'],
  ] as const)('has what the choice of SSH needs: %s, %s', (cloud, ssh, packages, overlays) => {
    const common = machine.recipe.packages;
    const chosen = args(cloud, 'arm64', { ssh });
    const added = chosen.SYSTEM_PACKAGES?.split(' ').filter((name) => !common.includes(name));
    expect(added?.join(' ')).toBe(packages);
    expect(chosen.OVERLAYS).toBe(overlays);
  });

  it('has overlays that exist', () => {
    const folders = readdirSync(new URL('../../../recipes/docker/machine/overlays', import.meta.url));
    const used = (['aws', 'gce'] as const).flatMap((cloud) =>
      (args(cloud, 'arm64', { ssh: 'cloud' }).OVERLAYS ?? '').split(' '),
    );
    expect([...new Set(used)].sort()).toEqual(folders.sort());
  });

  it('counts the disk in MiB', () => {
    expect(args('aws', 'arm64', { sizeGiB: 3 }).DISK_MIB).toBe('3072');
  });

  it('starts no package manager by itself', () => {
    expect(args('gce', 'arm64').MASKED?.split(' ')).toEqual(
      expect.arrayContaining(['apt-daily.timer', 'apt-daily-upgrade.timer']),
    );
  });
});
