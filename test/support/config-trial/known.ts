import type { Disagreement } from './compare.ts';

/** Disagreements that remain, and why. */
const KNOWN: readonly { about: string; detail: RegExp; text?: RegExp; reason: string }[] = [
  {
    about: 'start',
    detail: /Unknown (user|group) name: [a-z_][\w.-]*$/i,
    reason: 'the configuration does not tell whether the account exists on the machine',
  },
  {
    about: 'tls',
    detail: /is not served$/,
    text: /^(cert|pkey)\b/m,
    reason: 'the configuration does not tell whether the machine has a valid certificate and key',
  },
  {
    about: 'secret',
    detail: /: 401, lint-config expects access$/,
    text: /^(p?sql|mysql|mongo|redis)-userdb\b/m,
    reason:
      'turnserver also refuses static-auth-secret while its database does not answer, which the configuration does not tell',
  },
];

/** The reason for a known disagreement; undefined for an unknown one. */
export function explain({ about, detail, trial }: Disagreement): string | undefined {
  const matches = (each: (typeof KNOWN)[number]) =>
    each.about === about && each.detail.test(detail) && each.text?.test(trial.text) !== false;
  return KNOWN.find(matches)?.reason;
}
