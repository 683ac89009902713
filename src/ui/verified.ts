import { alignColumns, plural } from './format.ts';

/** What is proved about a file, as src/publish/trust/verified.ts has it. */
interface Verified {
  file: string;
  sha256: string;
  signatures: readonly (
    | { by: 'key'; fingerprint: string; signer: string; isKeyFromDownload: boolean }
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

/**
 * Lines about what is proved. Statements may come from another version of turnbuild or another program, so no member is certain.
 * @param buildType of turnbuild's own provenance. The members of others mean something else.
 */
export function renderVerified(
  { file, sha256, signatures, provenance, tests, missing }: Verified,
  buildType: string,
): string[] {
  const rows = [
    ['sha256', sha256],
    ...unique(signatures.flatMap(signatureRows)),
    ...(provenance === null
      ? [['source', 'not proved: no provenance was found']]
      : provenanceRows(provenance, buildType)),
    ...(tests === null ? [['checks', 'not proved: no test result was found']] : testRows(tests)),
    ...missing.map((name) => ['', `${name} is listed in SHA256SUMS but missing`]),
  ];
  return [
    `Verified: ${file}`,
    ...alignColumns(
      rows.map(([name = '', text = '']) => [`  ${name}`, text]),
      new Set(),
    ),
  ];
}

function unique(rows: readonly string[][]): string[][] {
  return [...new Map(rows.map((row) => [row.join('\n'), row])).values()];
}

function signatureRows(signature: Verified['signatures'][number]): string[][] {
  if (signature.by === 'key') {
    const { fingerprint, signer, isKeyFromDownload } = signature;
    const by = signer === fingerprint ? '' : `, by its subkey ${signer}`;
    return [
      ['signed by', `the OpenPGP key ${fingerprint}${by}`],
      ...(isKeyFromDownload
        ? [['', 'revocation and expiry of the key were not checked: it came with the file; pass --key']]
        : []),
    ];
  }
  const { identity, issuer, signedAt, repository, commit, run } = signature;
  return [
    ['signed by', identity],
    ['', `an identity of ${issuer}`],
    ...(repository === undefined ? [] : [['', `for repository ${repository}`]]),
    ...(commit === undefined ? [] : [['', `for commit ${commit}`]]),
    ...(run === undefined ? [] : [['', `in ${run}`]]),
    ['', `at ${signedAt.slice(0, 16).replace('T', ' ')} UTC`],
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
  if (buildType !== own) return [['source', `provenance of another build type: ${buildType}`]];
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
  return [
    ['package', `coturn ${text(coturn)}, revision ${text(revision)}, for ${place}`],
    ...dependencies.map((each) => dependencyRow(each)),
    ...recipes.map(({ id, recipe }) => ['recipe', `${id} ${recipe}`]),
    ['built by', `${text(members(builder).id)} ${text(turnbuild)}${finished === '' ? '' : `, ${finished}`}`],
  ];
}

function dependencyRow({ name, uri, digest, annotations }: Members): string[] {
  const { provider, location, origin, packages, toolchain } = members(annotations);
  const from = [text(uri), text(provider), text(location), text(origin)].filter((each) => each !== '');
  const [algorithm = '', hex = ''] = Object.entries(members(digest))[0] ?? [];
  const count = Math.max(Object.keys(members(packages)).length, list(toolchain).length);
  const details = [...from, ...(count === 0 ? [] : [plural(count, 'package')])];
  return [
    text(name).startsWith('base image') ? 'base image' : 'source',
    `${text(name).replace(/^base image /, '')}: ${algorithm} ${text(hex)}${details.length === 0 ? '' : ` (${details.join(', ')})`}`,
  ];
}

function testRows({ passedTests, warnedTests, configuration }: Members): string[][] {
  const { accepted, cannotRunThere } = members(members(list(configuration)[0]).annotations);
  const rows = [
    ['checks', `${words(passedTests).length} passed, ${words(warnedTests).length} failed and were accepted`],
  ];
  for (const { check, advisories, message } of list(accepted).map(members))
    rows.push(['  accepted', `${text(check)} (${words(advisories).join(', ')}): ${text(message)}`]);
  const missing = list(cannotRunThere).map((each) => text(members(each).check));
  if (missing.length > 0)
    rows.push(['  not run', `could not run where it was verified: ${missing.join(', ')}`]);
  return rows;
}
