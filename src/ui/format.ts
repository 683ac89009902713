/** Bytes in IEC units with one decimal, e.g. `341.6 KiB`; below 1 KiB exactly. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  // 1023.95 would be shown as "1024.0", which belongs to the next unit.
  while (value >= (unit === 0 ? 1024 : 1023.95) && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Seconds as a readable duration: `0.4 s`, `12.0 s`, `3 min 05 s`, `1 h 02 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** A number with thousands separators, the same in every locale: `1,234,567`, `0.25`. */
export function formatNumber(value: number): string {
  const [whole = '', fraction] = String(value).split('.');
  if (/[^\d-]/.test(whole)) return String(value);
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** `4 packages`, `1 check`. */
export function plural(count: number, noun: string): string {
  return `${formatNumber(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Text that is safe in HTML, between tags and in quoted attributes alike, and in a terminal that shows the page's source. */
export function escapeHtml(text: string): string {
  return printableLines(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Replaces control and invisible characters, so that a file name or a message can neither control the terminal nor look like another. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu, '?');
}

/** Like `printable`, but keeps line breaks and tabs. */
function printableLines(text: string): string {
  return text.replace(/[^\n\t]+/g, printable);
}

/** The styles that turnbuild prints: bold, dim and colours (ECMA-48, SGR). They neither hide text nor move the cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins each of them
const OWN_STYLES = /(\u001b\[(?:[012]|3[1-6])m)/;

/** Makes text from a file, a program or a server safe for a terminal: it can neither move the cursor nor hide text. Keeps line breaks. */
export function printableText(text: string): string {
  return printableLines(text).split('\n').map(withoutCommand).join('\n');
}

/** Like `printableText`, but keeps turnbuild's styles. Untrusted text must already be printable. */
export function printableStyled(text: string): string {
  return text
    .split(OWN_STYLES)
    .map((part, index) => (index % 2 === 1 ? part : printableText(part)))
    .join('');
}

/** GitHub's runner executes lines that begin with `::` or contain `##[`; other CI systems execute `##vso[` and `##teamcity[`. */
const withoutCommand = (line: string) =>
  line.replace(/^(\s*):(?=:)/, '$1: ').replace(/##(?=[a-z]*\[)/gi, '## ');

/** Formats rows as lines with aligned columns, two spaces apart. `right` has the indexes of right-aligned columns. */
export function alignColumns(rows: readonly (readonly string[])[], right: ReadonlySet<number>): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (right.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** Wraps text at spaces into lines of at most `width` characters; a longer word gets its own line. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((w) => w !== '')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}
