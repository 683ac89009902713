import { type Check, complaints, expectValues, type Verdict, value } from './check.ts';
import { buildIdOf, type ElfFile, type PackageFacts, reflexiveAddress, strangerComplaint } from './facts.ts';

/** Complaints about the tarball, run by an unprivileged user in a root with only the C library. */
function tarballComplaints(facts: PackageFacts): string[] {
  const found = expectValues(facts, {
    'tarball.ready': 'yes',
    'tarball.metrics.exit': '0',
    'tarball.changed': '',
    ...(facts.handlesStop === false ? {} : { 'tarball.stop': '0' }),
  });
  const names = tarballLibraries(facts);
  const strange = names.filter(
    (name) => !facts.target.allowedLibraries.some((prefix) => name.startsWith(prefix)),
  );
  if (names.length === 0) found.push('the libraries that turnserver needs are unknown');
  if (strange.length > 0) found.push(`turnserver needs ${strange.join(', ')}`);
  if (/Bad configuration format/.test(facts.files.get('tarball.log') ?? ''))
    found.push('turnserver rejects a line of the configuration');
  if (reflexiveAddress(facts.files.get('tarball.stun.log') ?? '') === undefined)
    found.push('no answer to a STUN request');
  const stranger = strangerComplaint(facts.files.get('tarball.stranger.log'));
  if (stranger !== undefined) found.push(`a client without an account ${stranger}`);
  return found;
}

/** Names of the shared libraries that the tarball's turnserver needs. */
function tarballLibraries({ files }: PackageFacts): string[] {
  const paths = (files.get('tarball.libraries') ?? '').split('\n').filter((path) => path !== '');
  return paths.map((path) => path.slice(path.lastIndexOf('/') + 1));
}

function judgeTarball(facts: PackageFacts): Verdict {
  const names = tarballLibraries(facts);
  return complaints(
    tarballComplaints(facts),
    `runs as an unprivileged user and needs only ${names.join(', ')}`,
    {
      files: Number(value(facts, 'tarball.files')),
      libraries: names.length,
    },
  );
}

const NO_ID = 'without a build id';
const programs = (files: readonly ElfFile[]) =>
  files.map((file) => `${file.path.slice(file.path.lastIndexOf('/') + 1)} ${buildIdOf(file) ?? NO_ID}`);

function judgePrograms({ elf, tarballElf }: PackageFacts): Verdict {
  const [packaged, unpacked] = [programs(elf), programs(tarballElf)];
  const found = [
    ...packaged.filter((each) => !unpacked.includes(each)).map((each) => `the tarball lacks ${each}`),
    ...unpacked.filter((each) => !packaged.includes(each)).map((each) => `the package lacks ${each}`),
  ];
  if (unpacked.length === 0) found.push('the tarball has no programs');
  found.push(...packaged.filter((each) => each.endsWith(NO_ID)));
  return complaints(found, `${unpacked.length} programs, with the same build ids`, {
    programs: unpacked.length,
  });
}

/** The tarball for machines without a package manager, of targets with static linking. */
export const tarballChecks: Check[] = [
  {
    id: 'tarball.runs',
    needs: { phases: ['tarball'] },
    title: 'The tarball runs from any folder, as any user, with only the C library',
    reason: 'On machines without a package manager, a path or library of the build machine would break it.',
    applies: ({ staticLibraries }) => staticLibraries !== undefined,
    // turnserver opens a default log before it reads the configured path.
    advisories: (facts) =>
      tarballComplaints(facts).length === 1 &&
      /^(\.\/turn_\d+_[\d-]+\.log ?)+$/.test(value(facts, 'tarball.changed'))
        ? ['coturn-1441']
        : [],
    judge: judgeTarball,
  },
  {
    id: 'tarball.programs',
    title: 'The tarball and the package contain identical programs',
    reason: 'The results for one then apply to the other.',
    applies: ({ staticLibraries }) => staticLibraries !== undefined,
    judge: judgePrograms,
  },
];
