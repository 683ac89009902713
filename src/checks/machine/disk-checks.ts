import type { Cloud } from '../../recipe/machine.ts';
import { blocked, complaints, fail, notApplicable, pass, type Verdict } from '../check.ts';
import { about } from './about.ts';
import type { MachineCheck } from './check.ts';
import { judgeConfiguration, judgePasswords, judgeShells } from './disk-accounts.ts';
import type { DiskFacts } from './disk-facts.ts';
import {
  judgeCredentials,
  judgeDates,
  judgeIdentity,
  judgeLeftovers,
  judgeListing,
  judgePermissions,
  judgeSetId,
} from './disk-paths.ts';
import { judgeUsed, usedBytes } from './disk-usage.ts';

type DiskCheck = MachineCheck<DiskFacts>;

const MIB = 1024 ** 2;

function judgeFileSystem(facts: DiskFacts): Verdict {
  if (facts.disk.get('clean') !== 'yes') return fail('e2fsck reports errors in the root file system');
  const used = usedBytes(facts);
  if (used === undefined) return fail('the size of the root file system is unknown');
  const boot = Math.round(Number(facts.disk.get('boot-bytes')) / MIB);
  return judgeUsed(used, facts.maxUsedMiB, { 'boot MiB': boot });
}

function judgeInstalled({ installed, sbom }: DiskFacts): string[] {
  const done = installed.filter(({ status }) => status === 'ii' || status === 'boot');
  if (done.length === 0) return ['the installed packages are unknown'];
  const { components = [] } = JSON.parse(sbom) as {
    components?: { name: string; version?: string; purl?: string }[];
  };
  const listed = new Set(components.map(({ name, version }) => `${name} ${version}`));
  const golang = components.find(({ purl }) => purl?.startsWith('pkg:golang/stdlib@'));
  return [
    ...about(
      // Removed packages whose configuration is left, or unfinished installations.
      installed.filter((each) => !done.includes(each)).map(({ name, status }) => `${name} (${status})`),
      'package that is not fully installed',
    ),
    ...about(
      done.filter(({ name, version }) => !listed.has(`${name} ${version}`)).map(({ name }) => name),
      'not in the bill of materials',
    ),
    ...(golang === undefined ? ["Go's standard library is not in the bill of materials"] : []),
    ...about(
      components
        .filter(({ purl = '' }) => purl.startsWith('pkg:deb/debian/') && !purl.includes('distro='))
        .map(({ name }) => name),
      'package URL without a distribution',
    ),
  ];
}

/** Name of the package with which machines on EC2 are administered without SSH. */
const SSM_AGENT = 'amazon-ssm-agent';

/** Whether an image for EC2 lacks the SSM agent. */
export function lacksSsmAgent({ cloud, installed }: Pick<DiskFacts, 'cloud' | 'installed'>): boolean {
  return cloud === 'aws' && !installed.some(({ name }) => name === SSM_AGENT);
}

function judgeAdministration(facts: DiskFacts): Verdict {
  if (lacksSsmAgent(facts))
    return notApplicable(
      'the image has no SSM agent, so Session Manager cannot reach its machines; install it with --extra-package',
    );
  const enabled = facts.entries.some(({ path }) =>
    /^etc\/systemd\/system\/.*\.wants\/amazon-ssm-agent\.service$/.test(path),
  );
  return enabled
    ? pass('the SSM agent is installed and enabled')
    : fail('the SSM agent is installed but not enabled');
}

/** A check that depends on the listing of files. */
function listed(judge: (facts: DiskFacts) => string[], good: string): DiskCheck['judge'] {
  return (facts) =>
    judgeListing(facts).length > 0
      ? blocked('image.files', 'the list of files is incomplete or has unexpected entries')
      : complaints(judge(facts), good);
}

/** The checks of the disk of a cloud's image before its first boot. */
export function diskChecksFor(cloud: Cloud): DiskCheck[] {
  return diskChecks.filter(({ clouds }) => clouds?.includes(cloud) ?? true);
}

/** All checks of disks. */
export const diskChecks: readonly DiskCheck[] = [
  {
    id: 'image.files',
    title: 'Contains the expected programs, and only files, folders and links',
    reason: 'Device nodes bypass permissions, and a disk without its programs cannot serve anyone.',
    judge: (facts) =>
      complaints(judgeListing(facts), `${facts.entries.length} files, folders and links`, {
        entries: facts.entries.length,
      }),
  },
  {
    id: 'image.identity',
    title: 'Has no identity',
    reason: 'Machines that share host keys, a machine-id or a random seed can impersonate each other.',
    judge: listed(judgeIdentity, 'no host keys, an empty machine-id, no random seed'),
  },
  {
    id: 'image.credentials',
    title: 'Has no credentials or private keys',
    reason: 'Everyone who can start the image can read them.',
    judge: listed(judgeCredentials, 'no private keys, authorized keys or credentials'),
  },
  {
    id: 'image.passwords',
    title: 'Has no passwords',
    reason: 'A password in an image is the same on every machine, and known to everyone who has the image.',
    judge: (facts) => complaints(judgePasswords(facts), 'every account is locked'),
  },
  {
    id: 'image.accounts',
    title: 'Has no unexpected login shell',
    reason: 'No account has a password, so an unexpected login shell is a back door or superfluous.',
    judge: (facts) => complaints(judgeShells(facts), 'no unexpected login shell'),
  },
  {
    id: 'image.secrets',
    title: 'Has no secrets in its configuration',
    reason:
      'A secret in the image authenticates clients on all machines; a well-known one authenticates everyone.',
    judge: (facts) =>
      complaints(
        judgeConfiguration(facts),
        'no secret, example secret or placeholder in a configuration file',
      ),
  },
  {
    id: 'image.permissions',
    title: 'Has no world-writable files',
    reason: 'A compromised process could replace files that others trust.',
    judge: listed(
      judgePermissions,
      'no world-writable files, no world-writable folders without the sticky bit, no files without an owner',
    ),
  },
  {
    id: 'image.setuid',
    title: 'Has no unexpected setuid or setgid programs',
    reason: 'A flaw in one of them can give its caller the rights of root.',
    judge: listed(judgeSetId, "only Debian's own setuid and setgid programs"),
  },
  {
    id: 'image.leftovers',
    title: 'Has no traces of the build',
    reason:
      'Logs, caches and settings of the builder take space, reveal its network, and can change behaviour.',
    judge: listed(judgeLeftovers, 'no caches, logs, histories, temporary files or settings of the build'),
  },
  {
    id: 'image.dates',
    title: "Has no file newer than the release's date",
    reason: 'Another build could not give the same bytes.',
    judge: listed(judgeDates, "every file has the release's date or an earlier one"),
  },
  {
    id: 'image.size',
    title: 'Has a clean file system within its disk space limit',
    reason: 'A small image starts faster, costs less in each region, and has a smaller attack surface.',
    judge: judgeFileSystem,
  },
  {
    id: 'image.packages',
    title: 'The bill of materials lists every package',
    reason: 'Scanners find vulnerable packages only if they are listed, with their versions.',
    judge: (facts) => complaints(judgeInstalled(facts), `${facts.installed.length} packages`),
  },
  {
    id: 'image.administration',
    title: 'Can be administered without SSH',
    clouds: ['aws'],
    reason: 'Without the SSM agent, SSH is the only way to log in, and requires an open port.',
    judge: judgeAdministration,
  },
];
