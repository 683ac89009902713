import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a secret was found: `NAME in PLACE`. */
export function findSecrets(
  secrets: Readonly<Record<string, string>>,
  places: Readonly<Record<string, string | Uint8Array>>,
): string[] {
  const forms = Object.entries(secrets).flatMap(([name, secret]) =>
    formsOf(secret).map((form) => ({ name, form: Buffer.from(form) })),
  );
  return Object.entries(places).flatMap(([place, content]) => {
    const bytes = Buffer.from(content);
    return [
      ...new Set(forms.filter(({ form }) => bytes.includes(form)).map(({ name }) => `${name} in ${place}`)),
    ];
  });
}

/** All files in a folder: path -> content. */
export function filesIn(dir: string): Record<string, Uint8Array> {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    entries.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name))]),
  );
}

/** As it is, URL-encoded, in JSON, and in base64, wherever it begins in the encoded text. A key has lines of its own. */
function formsOf(secret: string): string[] {
  const lines = secret.includes('\n')
    ? secret.split('\n').filter((line) => /^[\w+/=]{32,}$/.test(line))
    : [secret];
  return lines.flatMap((line) => [
    ...[line, encodeURIComponent(line), JSON.stringify(line).slice(1, -1)],
    ...[0, 1, 2].flatMap((shift) => {
      const text = Buffer.concat([Buffer.alloc(shift), Buffer.from(line)]).toString('base64');
      // The ends depend on what is beside it.
      const inner = text.slice(shift === 0 ? 0 : shift + 1, -4);
      return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
    }),
  ]);
}
