import { plural, wrap } from './format.ts';

/** What is proved about a file, as src/publish/trust/verified.ts has it. */
interface Verified {
  file: string;
  sha256: string;
  signatures: readonly (
    | {
        by: 'key';
        fingerprint: string;
        signer: string;
        userId: string | undefined;
        isKeyFromDownload: boolean;
      }
    | {
        by: 'identity';
        identity: string;
        issuer: string;
        signedAt: string;
        repository: string | undefined;
        commit: string | undefined;
        run: string | undefined;
      }
  )[];
  provenance: Record<string, unknown> | null;
  tests: Record<string, unknown> | null;
  missing: readonly string[];
}

/** Columns of the labels, and of the text beside them: lines of a terminal have 80. */
const [LABELS, WIDTH] = [14, 66];

/**
 * Lines about what is proved, the signer first. Statements may come from another version of turnbuild or another program, so no member is certain.
 * @param buildType of turnbuild's own provenance. The members of others mean something else.
 */
export function renderVerified(
  { file, sha256, signatures, provenance, tests, missing }: Verified,
  buildType: string,
): string[] {
  const rows = [
    ...unique(signatures.flatMap(signatureRows)),
    ['sha256', sha256],
    ...(provenance === null
      ? [['source', 'not proved: no provenance was found']]
      : provenanceRows(provenance, buildType)),
    ...(tests === null ? [['checks', 'not proved: no test result was found']] : testRows(tests)),
    ...missing.map((name) => ['', `${name} is listed in SHA256SUMS but missing`]),
  ];
  return [
    `Verified: ${file}`,
    ...rows.flatMap(([name = '', words = '']) =>
      wrap(words, WIDTH).map((line, index) => `${(index === 0 ? `  ${name}` : '').padEnd(LABELS)}${line}`),
    ),
  ];
}

function unique(rows: readonly string[][]): string[][] {
  return [...new Map(rows.map((row) => [row.join('\n'), row])).values()];
}

function signatureRows(signature: Verified['signatures'][number]): string[][] {
  if (signature.by === 'key') {
    const { fingerprint, signer, userId, isKeyFromDownload } = signature;
    return [
      ['signed by', userId ?? 'a key without a name'],
      ['', `OpenPGP key ${fingerprint}`],
      ...(signer === fingerprint ? [] : [['', `with its subkey ${signer}`]]),
      ...(isKeyFromDownload
        ? [
            [
              '',
              'key.asc came with the download, so its revocation and expiry are not proved; pass --key FILE',
            ],
          ]
        : []),
    ];
  }
  const { identity, issuer, signedAt, repository, commit, run } = signature;
  return [
    ...identityRows(identity, repository),
    ...(commit === undefined ? [] : [['', `commit ${commit}`]]),
    ...(run === undefined ? [] : [['', `run ${run}`]]),
    ['', `at ${signedAt.slice(0, 16).replace('T', ' ')} UTC`],
    ['', `identity issued by ${issuer}`],
  ];
}

/** A workflow and the repository that it ran for. The identity of a workflow is too long for one line. */
function identityRows(identity: string, repository: string | undefined): string[][] {
  const [, own, workflow, ref] =
    /^(https:\/\/[^/]+\/[^/]+\/[^/@]+)\/(\.github\/workflows\/[^@]+)@(.+)$/.exec(identity) ?? [];
  if (own === undefined || repository === undefined)
    return [['signed by', identity], ...(repository === undefined ? [] : [['', `for ${repository}`]])];
  return [
    ['signed by', `a workflow run of ${repository}`],
    ['', `workflow ${workflow}`],
    ['', `${own === repository ? '' : `of ${own} `}at ${ref}`],
  ];
}

type Members = Record<string, unknown>;
const members = (value: unknown): Members =>
  typeof value === 'object' && value !== null ? (value as Members) : {};
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const words = (value: unknown): string[] => list(value).filter((each) => typeof each === 'string');
const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : '';

function provenanceRows({ buildDefinition, runDetails }: Members, own: string): string[][] {
  const buildType = text(members(buildDefinition).buildType);
  if (buildType !== own) return [['source', `not proved: provenance of another build type: ${buildType}`]];
  const { externalParameters, internalParameters, resolvedDependencies } = members(buildDefinition);
  const { coturn, revision, target, arch, cloud } = members(externalParameters);
  const dependencies = list(resolvedDependencies).map(members);
  const { builder, metadata } = members(runDetails);
  const { turnbuild } = members(members(builder).version);
  const finished = text(members(metadata).finishedOn);
  const place = [text(target), text(arch), text(cloud)].filter((each) => each !== '').join(' ');
  const recipes = list(members(internalParameters).steps)
    .map(members)
    .map(({ id, inputs }) => ({ id: text(id), recipe: text(members(inputs).recipe) }))
    .filter(({ recipe }) => recipe !== '');
  const origins = dependencies.flatMap(dependencyRows);
  const isNamed = origins.some(([label]) => label === 'source');
  return [
    ['package', `coturn ${text(coturn)}, revision ${text(revision)}, for ${place}`],
    ...(isNamed ? [] : [['source', 'not named: not proved']]),
    ...origins,
    ...recipes.flatMap(({ id, recipe }) => [
      ['recipe', `${id}, sha256:`],
      ['', recipe],
    ]),
    ['built with', `${text(members(builder).id)} ${text(turnbuild)}`],
    ...(finished === '' ? [] : [['', `finished ${finished}`]]),
  ];
}

function dependencyRows({ name, uri, digest, annotations }: Members): string[][] {
  const { provider, location, origin, packages, toolchain, modified } = members(annotations);
  const from = [text(uri), text(provider), text(location), text(origin)].filter((each) => each !== '');
  const [algorithm = '', hex = ''] = Object.entries(members(digest))[0] ?? [];
  const count = Math.max(Object.keys(members(packages)).length, list(toolchain).length);
  const changed = modified === true ? ['with uncommitted changes'] : [];
  const details = [...from, ...changed, ...(count === 0 ? [] : [plural(count, 'package')])];
  const own = text(name).replace(/^(?:base image |recipes, )/, '');
  const label = SOURCE.test(own)
    ? 'source'
    : (/^base image|^recipes(?=, )/.exec(text(name))?.[0] ?? 'made from');
  return [
    [label, own],
    ['', algorithm === '' ? details.join(', ') : `${[...details, algorithm].join(', ')}:`],
    ['', text(hex)],
  ];
}

/** Names of coturn's sources in turnbuild's provenance. */
const SOURCE = /^coturn \S+, (?:source tarball|git commit)$/;

function testRows({ passedTests, warnedTests, failedTests, configuration }: Members): string[][] {
  const { accepted, cannotRunThere } = members(members(list(configuration)[0]).annotations);
  const [warned, failed] = [words(warnedTests).length, words(failedTests).length];
  const ids = [...new Set(list(accepted).flatMap((each) => words(members(each).advisories)))].sort();
  const reasons = [
    ...(warned === 0 ? [] : [`${warned} failed (accepted: ${ids.join(', ') || 'no advisory named'})`]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
  ];
  const passed = `${words(passedTests).length} passed`;
  const rows = [
    ['checks', reasons.length === 0 ? `${passed}; none failed` : [passed, ...reasons].join(', ')],
  ];
  for (const { check, advisories, message } of list(accepted).map(members))
    rows.push(['accepted', `${text(check)} (${words(advisories).join(', ')}): ${text(message)}`]);
  const missing = list(cannotRunThere).map((each) => text(members(each).check));
  if (missing.length > 0)
    rows.push(['not run', `could not run where it was verified: ${missing.join(', ')}`]);
  return rows;
}
