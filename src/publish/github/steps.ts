import type { GithubAsset } from '../../io/github/releases.ts';
import type { PublishAction } from '../plan.ts';
import { assetPath, draftPath, LATEST, notesPath, releasePath } from './names.ts';

/** A file of a release on GitHub. */
export interface ReleaseFile {
  /** Its name on GitHub. */
  name: string;
  /** Its own name, which GitHub shows. */
  label: string;
  /** A package never changes once it is published; reports (also bills of materials) and sums are those of the first publication. */
  kind: 'package' | 'report' | 'sums' | 'signature';
  /** In bytes. Undefined: a signature that is made when it is uploaded. */
  size: number | undefined;
  sha256: string | undefined;
  /** Path in the release's folder; undefined for a file that is made for GitHub. */
  file: string | undefined;
}

/** One change on GitHub. */
export type GithubStep =
  /** A draft that a lost response has left. */
  | { do: 'remove-draft'; tag: string; id: number }
  /** `manifest`: digest of the release's manifest, by which the draft is found again. */
  | { do: 'draft'; tag: string; notes: string; manifest: string }
  | { do: 'remove-asset'; tag: string; asset: GithubAsset }
  | { do: 'upload' | 'reuse'; tag: string; file: ReleaseFile }
  | { do: 'notes'; tag: string; body: string }
  /** Publishes a draft, or changes how GitHub shows a release. */
  | { do: 'show'; tag: string; isPrerelease: boolean; isLatest: boolean }
  | { do: 'latest'; tag: string };

/** A step as the plan's document has it. */
export function actionOf(step: GithubStep): PublishAction {
  const { tag } = step;
  switch (step.do) {
    case 'remove-draft':
      return { do: 'delete', path: draftPath(tag, step.id) };
    case 'draft':
      return { do: 'create', path: releasePath(tag), marker: step.manifest };
    case 'remove-asset':
      return { do: 'delete', path: assetPath(tag, step.asset.name) };
    case 'notes':
      return { do: 'replace', path: notesPath(tag), size: Buffer.byteLength(step.body) };
    case 'show':
      return { do: 'point', path: releasePath(tag) };
    case 'latest':
      return { do: 'point', path: LATEST };
    default: {
      const { name, size, sha256, file } = step.file;
      return {
        ...{ do: step.do === 'reuse' ? 'reuse' : 'create', path: assetPath(tag, name) },
        ...(size === undefined ? {} : { size }),
        ...(sha256 === undefined ? {} : { sha256 }),
        ...(file === undefined ? {} : { file }),
      };
    }
  }
}
