import { type Check, complaints, expectValues, type Verdict, value } from './check.ts';
import { buildIdOf, type ElfFile, type PackageFacts, reflexiveAddress, strangerComplaint } from './facts.ts';

/** The tarball in a root with nothing but the C library, started by nobody in particular. */
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
  if (names.length === 0) found.push('the libraries that it needs are not known');
  if (strange.length > 0) found.push(`it needs ${strange.join(', ')}`);
  if (/Bad configuration format/.test(facts.files.get('tarball.log') ?? ''))
    found.push('turnserver does not understand a line of its configuration');
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
    `serves as an unprivileged user, with ${names.join(', ')} and nothing else`,
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

/** What machines without a package manager get of a target whose libraries are linked in. */
export const tarballChecks: Check[] = [
  {
    id: 'tarball.runs',
    needs: { phases: ['tarball'] },
    title: 'The tarball serves from any folder, as any user, with nothing but the C library',
    reason:
      'Machines without a package manager get it as it is: a path or a library of the build machine would end it there.',
    applies: ({ staticLibraries }) => staticLibraries !== undefined,
    // A log of its own, before it has read where to log.
    advisories: (facts) =>
      tarballComplaints(facts).length === 1 &&
      /^(\.\/turn_\d+_[\d-]+\.log ?)+$/.test(value(facts, 'tarball.changed'))
        ? ['coturn-1441']
        : [],
    judge: judgeTarball,
  },
  {
    id: 'tarball.programs',
    title: 'The tarball has the very programs of the package',
    reason: 'What was checked of one then holds for the other.',
    applies: ({ staticLibraries }) => staticLibraries !== undefined,
    judge: judgePrograms,
  },
];
