import { z } from 'zod';

/** What turnbuild writes about a release into its notes, invisibly. It identifies a draft, and the next release is compared with it. */
const marker = z.object({
  release: z.string(),
  /** Digest of the release's manifest. */
  manifest: z.string(),
  /** Statically linked libraries: source package -> versions. */
  libraries: z.record(z.string(), z.array(z.string())),
});

export type Marker = z.infer<typeof marker>;

/** An HTML comment. Its content has no `>`, which could end it. */
export function formatMarker(of: Marker): string {
  return `<!-- turnbuild ${JSON.stringify(of).replaceAll('>', '\\u003e')} -->`;
}

/** The marker in a release's notes; undefined if there is none, or someone has edited it. */
export function markerIn(notes: string): Marker | undefined {
  const [, text = ''] = /<!-- turnbuild (\{[^>\n]*\}) -->/.exec(notes) ?? [];
  try {
    return marker.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const [BEGIN, END] = ['<!-- turnbuild withdrawn -->', '<!-- turnbuild end -->'];

/** Whether the notes say that their release was withdrawn. */
export function isWithdrawn(notes: string): boolean {
  return notes.includes(BEGIN);
}

/** A reason as the notes have it: in one line, without HTML. */
export function shownReason(reason: string): string {
  return reason.trim().replace(/\s+/g, ' ').replaceAll('<', '&lt;');
}

/** The reason in the notes of a withdrawn release. */
export function reasonIn(notes: string): string {
  return /was withdrawn:\*\* (.*)/.exec(notes)?.[1] ?? '';
}

/** Notes that start with the withdrawal of their release. An earlier reason is replaced. */
export function withdrawnNotes(notes: string, release: string, reason: string): string {
  const from = notes.indexOf(BEGIN);
  const to = notes.indexOf(END);
  const rest = from < 0 || to < from ? notes : notes.slice(0, from) + notes.slice(to + END.length);
  return `${BEGIN}
> [!CAUTION]
> **coturn ${release} was withdrawn:** ${shownReason(reason)}
>
> Do not install it. Its files are still here for machines that have it.

${END}

${rest.trimStart()}`;
}
