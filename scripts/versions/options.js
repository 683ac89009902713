import { parseArgs } from 'node:util';

const HELP = `Builds and verifies every coturn version whose tarball is in a folder, and writes the results into docs/versions.md.

  npm run versions -- DIR [options]

DIR has tarballs named coturn-X.Y.Z.tar.gz; from a clone of coturn, each is made by
  git archive --format=tar.gz --prefix=coturn-X.Y.Z/ -o DIR/coturn-X.Y.Z.tar.gz X.Y.Z
An interrupted run resumes. Verified versions run again only if turnbuild or its recipes have changed.

  --target LIST    debian-12,debian-13,portable by default
  --arch LIST      x86_64 by default
  --only LIST      versions to run; all by default
  --work FOLDER    packages, reports and results (versions-work by default)
  --again          ignore recorded results
  --print          only print the table of existing results
`;

/**
 * @param {string[]} argv
 * @returns {{ help: string } | { error: string } | { dir: string, targets: string[], architectures: string[], only: string[], work: string, again: boolean, print: boolean }}
 */
export function parseVersionsOptions(argv) {
  let parsed;
  try {
    parsed = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        target: { type: 'string', default: 'debian-12,debian-13,portable' },
        arch: { type: 'string', default: 'x86_64' },
        only: { type: 'string', default: '' },
        work: { type: 'string', default: 'versions-work' },
        again: { type: 'boolean', default: false },
        print: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return { error: `${error instanceof Error ? error.message : error}\n\n${HELP}` };
  }
  const { values, positionals } = parsed;
  if (values.help) return { help: HELP };
  const [dir, ...rest] = positionals;
  if (dir === undefined || rest.length > 0) return { error: `Expected one folder with tarballs.\n\n${HELP}` };
  return {
    dir,
    targets: list(values.target),
    architectures: list(values.arch),
    only: list(values.only),
    work: values.work,
    again: values.again,
    print: values.print,
  };
}

/** @param {string} text */
function list(text) {
  return text.split(',').filter((word) => word !== '');
}
