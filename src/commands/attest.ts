import { dirname, join } from 'node:path';
import { EXIT, usageError } from '../errors.ts';
import { readText, sha256Text } from '../io/files.ts';
import { lockFolder } from '../io/folder-lock.ts';
import { sigstoreServices } from '../io/sigstore.ts';
import { withWorkFolder } from '../io/work-folder.ts';
import { allPublished, type PublishedFile } from '../manifest/published.ts';
import type { Artifact, Manifest } from '../manifest/schema.ts';
import { parseManifest } from '../manifest/store.ts';
import { findTarget } from '../plan/index.ts';
import { publishedRpms, SIGNED, signedRpms } from '../publish/dnf/signed.ts';
import { verifiedPackages } from '../publish/packages.ts';
import { recordPublished } from '../publish/record.ts';
import { publishedSboms, SBOMS } from '../publish/sboms.ts';
import { expiryWarning } from '../publish/signing-key.ts';
import { trustFiles } from '../publish/trust/files.ts';
import { TRUST_FOLDER } from '../publish/trust/names.ts';
import { verifiedImages } from '../publish/trust/release-files.ts';
import { architecturesOption, type CommonOptions, listOption } from '../run/options.ts';
import { requireIntact } from '../run/outputs.ts';
import { openSession, type Session } from '../run/session.ts';
import type { Output } from '../ui/output.ts';
import { findManifest } from './find-manifest.ts';
import { releaseFolder } from './publish.ts';
import { type Signer, withSigner } from './signing.ts';

/** Options of `turnbuild attest`. */
export interface AttestOptions extends CommonOptions {
  signWith?: string;
  sigstore?: boolean;
}

/** `turnbuild attest`: writes signed statements about where a release's files come from, and which checks they passed. */
export async function attest(
  version: string | undefined,
  options: AttestOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal);
  const file = await findManifest(await releaseFolder(version, session.options.out ?? 'dist'));
  const dir = dirname(file);
  const lock = await lockFolder(dir);
  try {
    const manifest = parseManifest(file, await readText(file), sha256Text);
    const { ids, rpms, packages } = filesOf(manifest, options, session);
    for (const step of manifest.steps.filter(({ id }) => ids.includes(id)))
      await requireIntact(step.id, step.outputs, { dir });
    return await withSigner(session, options.signWith, rpms.length > 0, (signer) =>
      withWorkFolder(session.cache, 'attest', async (work) => {
        requireSigner(signer, options, output);
        const place = { dir, work, signal };
        const published = await publishedFiles(packages, rpms, signer, place);
        await recordPublished(dir, published);
        const files = await trustFiles({
          ...{ ...place, ...signer, manifest, ids },
          published: new Map(published.map(({ path, sha256 }) => [path, sha256])),
          keyless: options.sigstore === true ? sigstoreServices() : undefined,
          tell: (name) => output.line(`sign ${name}`),
          tellRemoved: (name) =>
            output.line(
              `note: ${join(TRUST_FOLDER, name)} is removed: it is not a signature of the statement as it is now. Pass --sigstore to sign that.`,
            ),
        });
        for (const { path, before, sha256 } of published)
          if (sha256 !== before) output.line(join(path.endsWith('.rpm') ? SIGNED : SBOMS, path));
        for (const { name } of files) output.line(join(TRUST_FOLDER, name));
        if (options.json === true)
          output.data(files.map(({ name, size, sha256 }) => ({ name, size, sha256 })));
        output.line(`Attested coturn ${manifest.packageVersion} in ${join(dir, TRUST_FOLDER)}.`);
        return EXIT.ok;
      }),
    );
  } finally {
    await lock.release();
  }
}

/** A package to sign, as a path in the release's folder. */
interface Rpm {
  path: string;
  target: string;
}

/** The steps whose files are attested, the packages and companions among their files, and the .rpm files among these. */
function filesOf(
  manifest: Manifest,
  options: AttestOptions,
  { recipes }: Session,
): { ids: string[]; rpms: Rpm[]; packages: Artifact[] } {
  const targets = listOption(options.target);
  for (const name of targets ?? []) findTarget(name, recipes.targets);
  const architectures: readonly string[] | undefined = architecturesOption(options.arch);
  const packages = verifiedPackages(manifest, { targets, architectures });
  const verified = verifiedImages(manifest);
  const images = manifest.steps.filter(
    ({ id, target = '', arch = '' }) =>
      verified.includes(id) && (targets?.includes(target) ?? true) && (architectures?.includes(arch) ?? true),
  );
  const rpms = packages.flatMap(({ target, files }) =>
    files.filter(({ path }) => path.endsWith('.rpm')).map(({ path }) => ({ path, target })),
  );
  return {
    ids: [...packages, ...images].map(({ id }) => id),
    // Builds for two architectures can have the same source package.
    rpms: [...new Map(rpms.map((each) => [each.path, each])).values()],
    packages: packages.flatMap(({ files }) => files),
  };
}

function requireSigner({ key }: Signer, { sigstore }: AttestOptions, output: Output): void {
  if (key === undefined && sigstore !== true)
    throw usageError(
      'ARGUMENT_MISSING',
      'Neither --sign-with nor --sigstore is given',
      'Pass --sign-with FINGERPRINT (an OpenPGP key), --sigstore (keyless, in GitHub Actions), or both.',
    );
  const warning = key === undefined ? undefined : expiryWarning(key, Date.now());
  if (warning !== undefined) output.line(`warning: ${warning}`);
}

/** Signs .rpm files, if there is a key, and writes the bills of materials that name the digests of the packages that users get. */
async function publishedFiles(
  packages: readonly Artifact[],
  rpms: readonly Rpm[],
  { key, exec }: Signer,
  place: { dir: string; work: string; signal: AbortSignal },
): Promise<PublishedFile[]> {
  // Whatever a repository may have, the release's folder has too, once it is published.
  const signed =
    key === undefined || rpms.length === 0
      ? []
      : publishedRpms(await signedRpms(rpms, { ...place, key, exec, published: [] }), packages);
  const digests = new Map(signed.map(({ path, sha256 }) => [path, sha256]));
  const { dir } = place;
  const sboms = await publishedSboms(packages, digests, { dir, into: join(dir, SBOMS) });
  return allPublished(packages, [...signed, ...sboms]);
}
