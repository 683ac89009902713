import { describe, expect, it } from 'vitest';
import { parseProject } from '../../../src/recipe/project.ts';
import { errorOf } from '../../support/sandbox.ts';

const parse = (text: string) => parseProject('/p/turnbuild.yaml', text);
const known = { targets: ['debian-12', 'portable'], mirrors: ['debian', 'ubuntu'], advisories: ['CVE-1'] };
const parseKnown = (text: string) => parseProject('/p/turnbuild.yaml', text, known);
const failure = (work: () => unknown) => errorOf(Promise.resolve().then(work));

describe('turnbuild.yaml', () => {
  it.each(['', '\n', '# nothing yet\n', '{}\n'])('%j leaves everything at its default', (text) => {
    expect(parse(text)).toEqual({});
    expect(parseKnown(text)).toEqual({});
  });

  it('accepts every key', () => {
    const settings = {
      ...{ coturn: '^4.18.0', source: './coturn.tar.gz', targets: ['debian-12'], architectures: ['arm64'] },
      ...{ revision: 'auto', maintainer: 'A B <a@b.example>', accept: ['CVE-1'], out: 'packages' },
      ...{ mirrors: { debian: 'https://a.example/debian' }, recipes: 'recipes', patches: 'patches' },
    };
    expect(parseKnown(JSON.stringify(settings))).toEqual(settings);
  });

  it.each(['4.18.0', '4.5.0.8', 'v4.18.0', 'latest', '>=4.6 <4.8', '4.18'])(
    'accepts coturn: "%s"',
    (coturn) => expect(parse(`coturn: "${coturn}"\n`)).toEqual({ coturn }),
  );

  it.each(['/srv/packages', 'packages', 's3://packages/coturn', 'gs://packages'])(
    'accepts the repository %s',
    (repo) => expect(parse(`publish:\n  repo: ${repo}\n`)).toEqual({ publish: { repo } }),
  );

  it.each<[string, string, RegExp]>([
    [
      'an unknown key, and suggests the nearest',
      'coturn: latest\ntarget: [portable]\n',
      /:2: unknown key "target"; did you mean "targets"\?$/,
    ],
    ['an unknown key without a similar one', 'deploy: {}\n', /:1: unknown key "deploy"$/],
    ['an unknown kind of repository', 'publish:\n  to: [snap]\n', /:2: publish\.to/],
    ['a repository without a bucket', 'publish:\n  repo: gs://\n', /:2: publish\.repo: write the path/],
    ['a short key ID', 'publish:\n  signWith: "0123456789ABCDEF"\n', /:2: publish\.signWith: write the full/],
    [
      'a URL with a password',
      'publish:\n  url: https://a:b@example.org\n',
      /:2: publish\.url: write an http/,
    ],
    [
      'a repository of an unknown service',
      'publish:\n  repo: ftp://a/b\n',
      /:2: publish\.repo: write the path of a folder, s3:/,
    ],
    ['a version written as a number', '\ncoturn: 4.10\n', /:2: coturn: write the version as text, in quotes/],
    ['an invalid version', 'coturn: newest\n', /:1: coturn: write a version, a semver range, or latest/],
    ['a revision of zero', 'revision: 0\n', /:1: revision: /],
    [
      'a revision that is not a number',
      'revision: automatic\n',
      /:1: revision: write a whole number of at least 1, or auto/,
    ],
    [
      'a maintainer without an address',
      'maintainer: me\n',
      /:1: maintainer: write it as: Name <address@host>/,
    ],
    [
      'a mirror without a scheme',
      'mirrors:\n  debian: a.example\n',
      /:2: mirrors\.debian: write an http or https URL/,
    ],
    [
      'a source with an unsupported scheme',
      'source: ftp://a.example/c.tar.gz\n',
      /:1: source: write github, debian/,
    ],
    ['a duplicate key', 'out: a\nout: b\n', /:2: Map keys must be unique/],
    ['a list instead of keys', '- coturn\n', /:1: Invalid input: expected object/],
    ['an empty list of targets', 'targets: []\n', /:1: targets: /],
  ])('refuses %s', async (_, text, message) => {
    const error = await failure(() => parse(text));
    expect(error.code).toBe('PROJECT_INVALID');
    expect(error.message).toMatch(/^turnbuild\.yaml has one issue:\n {2}\/p\/turnbuild\.yaml:\d+: /);
    expect(error.message).toMatch(message);
    expect(error.hint).toContain('docs/project.md');
  });

  it('lists all unknown names at once, each with its line', async () => {
    const text =
      'targets:\n  - debian-12\n  - portabel\naccept: [CVE-7]\nmirrors:\n  ubunto/arm64: https://a.example\n';
    const { message } = await failure(() => parseKnown(text));
    expect(message.split('\n')).toEqual([
      'turnbuild.yaml has 3 issues:',
      '  /p/turnbuild.yaml:3: targets.1: unknown target "portabel"; did you mean "portable"?',
      '  /p/turnbuild.yaml:4: accept.0: unknown advisory "CVE-7"; known: CVE-1',
      expect.stringMatching(
        /^ {2}\/p\/turnbuild\.yaml:6: mirrors\.ubunto\/arm64: unknown archive "ubunto\/arm64"/,
      ),
    ]);
  });

  it('accepts a mirror for one architecture', () =>
    expect(parseKnown('mirrors: { ubuntu/arm64: "https://a.example" }\n')).toEqual({
      mirrors: { 'ubuntu/arm64': 'https://a.example' },
    }));
});
