import type { Disagreement } from './compare.ts';

/** Disagreements that remain, and why. */
const KNOWN: readonly { about: string; detail: RegExp; text?: RegExp; reason: string }[] = [
  {
    about: 'start',
    detail: /Unknown (user|group) name: [a-z_][\w.-]*$/i,
    reason: 'whether an account exists is up to the machine, and not in the file',
  },
  {
    about: 'tls',
    detail: /is not served$/,
    text: /^(cert|pkey)\b/m,
    reason: 'whether a certificate or key is there, and is one, is up to the machine, and not in the file',
  },
  {
    about: 'secret',
    detail: /: 401, lint-config expects that it is let in$/,
    text: /^(p?sql|mysql|mongo|redis)-userdb\b/m,
    reason:
      'turnserver refuses static-auth-secret, too, while its database does not answer, which is not in the file',
  },
];

/** The reason for a known disagreement; undefined for an unknown one. */
export function explain({ about, detail, trial }: Disagreement): string | undefined {
  const matches = (each: (typeof KNOWN)[number]) =>
    each.about === about && each.detail.test(detail) && each.text?.test(trial.text) !== false;
  return KNOWN.find(matches)?.reason;
}
