import { basename } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import type { Manifest, ManifestStep } from '../manifest/schema.ts';
import { traitsOf } from '../manifest/stages.ts';
import {
  installedSources,
  type MachineImage,
  type MachineImageState,
  machineImageState,
} from '../plan/outdated.ts';
import { sourcesNow } from './libraries.ts';
import type { Session } from './session.ts';

/** Compares the packages of a manifest's machine images with the archive's current versions. */
export async function machineImagesNow(session: Session, manifest: Manifest): Promise<MachineImageState[]> {
  const images = machineImages(manifest);
  const unique = new Map(
    images.flatMap(({ sources }) => sources).map((each) => [Object.values(each).join(' '), each]),
  );
  const states = await sourcesNow(session, [...unique.values()], manifest.bases);
  return images.map((image) => machineImageState(image, states));
}

/**
 * The machine images of a manifest.
 * @throws MANIFEST_INVALID if the packages of one are not recorded: it must not appear to be up to date
 */
export function machineImages({ steps, bases }: Manifest): MachineImage[] {
  const made = steps.filter(({ stage, status }) => traitsOf(stage).makes === 'images' && status === 'done');
  return made.map((step) => {
    const { cloud, arch, outputs } = step;
    const lines = packagesOf(step);
    const suite = bases.find(({ name }) => step.bases[name] !== undefined)?.suite;
    if (cloud === undefined || arch === undefined || suite === undefined || lines.length === 0)
      throw new TurnbuildError('MANIFEST_INVALID', `The manifest does not list the packages of ${step.id}`, {
        hint: 'Build the image again: turnbuild image',
      });
    const disk = outputs.find(({ kind }) => kind === 'image')?.path ?? step.id;
    return { image: basename(disk), cloud, arch, sources: installedSources(lines, suite) };
  });
}

/** The lines of an image's list of packages, from the manifest. */
function packagesOf({ facts }: ManifestStep): string[] {
  const lines = facts?.packages;
  return Array.isArray(lines) ? lines.filter((line) => typeof line === 'string') : [];
}
