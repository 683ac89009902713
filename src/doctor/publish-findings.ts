import type { Thing } from './advice.ts';
import type { Finding, Means } from './finding.ts';

/** Programs that publishing runs, by the Debian package that has them. */
const NEEDS: readonly { thing: Thing; programs: readonly string[]; packages: string[]; why: string }[] = [
  {
    thing: 'gpg',
    programs: ['gpg', 'gpg-agent'],
    packages: ['gpg', 'gpg-agent'],
    why: 'signs repositories',
  },
  { thing: 'gpgv', programs: ['gpgv'], packages: ['gpgv'], why: 'verifies what is published' },
  {
    thing: 'ftparchive',
    programs: ['apt-ftparchive'],
    packages: ['apt-utils'],
    why: 'writes the indices of apt repositories',
  },
  {
    thing: 'rpm',
    programs: ['rpm', 'rpmsign', 'rpmkeys'],
    packages: ['rpm'],
    why: 'signs and verifies packages for dnf repositories',
  },
  {
    thing: 'createrepo',
    programs: ['createrepo_c', 'mergerepo_c'],
    packages: ['createrepo-c'],
    why: 'writes the metadata of dnf repositories',
  },
];

/** Programs that publishing needs. */
export const PUBLISH_PROGRAMS = NEEDS.flatMap(({ programs }) => programs);

/**
 * Findings about the programs that only publishing needs.
 * @param have programs on this machine
 * @param optional the machine need not publish
 */
export function publishFindings(
  have: ReadonlySet<string>,
  { fixes, advice }: Means,
  optional: boolean,
): Finding[] {
  return NEEDS.map(({ thing, programs, packages, why }) => ({
    id: `publish-${thing}`,
    title: programs.join(', '),
    ok: programs.every((program) => have.has(program)),
    why: `publishing: ${why}`,
    optional,
    ...fixes({ packages }),
    advice: advice(thing),
  }));
}
