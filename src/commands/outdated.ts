import { EXIT, usageError } from '../errors.ts';
import { readText, sha256Text } from '../io/files.ts';
import type { Manifest } from '../manifest/schema.ts';
import { parseManifest } from '../manifest/store.ts';
import {
  type CoturnState,
  coturnState,
  type ImageState,
  type MachineImageState,
  type PackagedTarget,
  type SourceState,
  taggedImages,
  unknownTargets,
} from '../plan/outdated.ts';
import { librariesNow, linkedLines } from '../run/libraries.ts';
import { machineImagesNow } from '../run/machine-images.ts';
import { resolveImage } from '../run/official-images.ts';
import type { CommonOptions } from '../run/options.ts';
import { readyBuilder } from '../run/ready-builder.ts';
import { isCapable, openSession, type Session } from '../run/session.ts';
import { newestVersion } from '../sources/choice.ts';
import { renderOutdated } from '../ui/outdated.ts';
import type { Output } from '../ui/output.ts';
import { findManifest } from './find-manifest.ts';

/** Output of `turnbuild outdated --json`. */
export interface Outdated {
  coturn: CoturnState & { where: string };
  libraries: SourceState[];
  /** Official images that base images were built from. A newer image requires no rebuild: packages come from the archive. */
  images: ImageState[];
  /** Machine images, with their packages that have newer versions. */
  machineImages: MachineImageState[];
  /** A release or rebuild is due: coturn, a library or a package in a machine image has a newer version. */
  due: boolean;
  /** There is a security update, or this coturn has a known vulnerability, whether or not a rebuild fixes it. */
  security: boolean;
  /** Targets of rpm distributions, whose library updates are not looked up. */
  unknown: string[];
}

/** `turnbuild outdated`: compares packages with the newest versions. Exit code 1 if a rebuild is due, or coturn has known vulnerabilities. */
export async function outdated(
  path: string | undefined,
  options: CommonOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal);
  const file = await findManifest(path ?? session.options.out ?? 'dist');
  const manifest = parseManifest(file, await readText(file), sha256Text);
  const found = await compare(session, manifest);
  if (options.json === true) output.data(found);
  else
    output.line(renderOutdated(found, isCapable(process.stdout, process.env) ? process.stdout.columns : 100));
  return found.due || found.coturn.advisories.length > 0 ? EXIT.failed : EXIT.ok;
}

async function compare(session: Session, manifest: Manifest): Promise<Outdated> {
  const provider = session.options.source ?? providerOf(manifest);
  if (provider !== 'github' && provider !== 'debian')
    throw usageError('OPTION_INVALID', `Invalid --source "${provider}": expected github or debian`);
  const newest = await newestVersion(session, provider);
  const coturn = coturnState(manifest.coturn.version, newest, session.recipes.advisories);
  const libraries = await librariesNow(session, manifest);
  const machineImages = await machineImagesNow(session, manifest);
  const used = [...libraries, ...machineImages];
  return {
    coturn: { ...coturn, where: provider === 'github' ? 'GitHub' : 'Debian' },
    libraries,
    images: await imagesNow(session, manifest),
    machineImages,
    due: coturn.outdated || used.some((each) => each.outdated),
    security: coturn.advisories.length > 0 || used.some((each) => each.security),
    unknown: unknownTargets(targetsOf(manifest)),
  };
}

async function imagesNow(session: Session, { bases }: Manifest): Promise<ImageState[]> {
  const tagged = taggedImages(bases);
  if (tagged.length === 0) return [];
  const nothing = { architectures: [], runs: false, verifies: false, perform: false };
  const builder = await readyBuilder(session, nothing);
  return Promise.all(
    tagged.map(async ({ image, digest }) => {
      const { digest: newest } = await resolveImage(session, image, undefined, builder);
      return { image, digest, newest, outdated: newest !== undefined && newest !== digest };
    }),
  );
}

function targetsOf({ steps }: Manifest): PackagedTarget[] {
  return steps.flatMap(({ target, outputs }) =>
    target === undefined
      ? []
      : {
          target,
          rpm: outputs.some(({ kind }) => kind === 'rpm'),
          linksIn: linkedLines(steps.filter((step) => step.target === target)).length > 0,
        },
  );
}

/** Where to look for releases: Debian if the sources came from there, otherwise GitHub, where coturn publishes them. */
function providerOf({ source }: Manifest): string {
  return source?.provider === 'debian' ? 'debian' : 'github';
}
