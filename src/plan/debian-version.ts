/**
 * Orders two Debian versions as dpkg does (Debian Policy 5.6.12): negative if `a` is older, positive if it is newer, 0 if they are
 * equal. Other systems have no `dpkg --compare-versions`; the tests compare the results with it, for random versions too.
 */
export function compareDebianVersions(a: string, b: string): number {
  const [x, y] = [partsOf(a), partsOf(b)];
  return x.epoch - y.epoch || compareParts(x.upstream, y.upstream) || compareParts(x.revision, y.revision);
}

/** The upstream version in a Debian one: `1:10.11.11-0+deb12u1` -> `10.11.11`. */
export function upstreamOf(version: string): string {
  return partsOf(version).upstream;
}

function partsOf(version: string): { epoch: number; upstream: string; revision: string } {
  const [, epoch = '0', rest = ''] = /^(?:(\d+):)?(.*)$/.exec(version.trim()) ?? [];
  const dash = rest.lastIndexOf('-');
  // A missing revision is the same as revision 0.
  const [upstream, revision] = dash < 0 ? [rest, ''] : [rest.slice(0, dash), rest.slice(dash + 1)];
  return { epoch: Number(epoch), upstream, revision };
}

/** Compares alternating texts and numbers: texts by the order of their characters, numbers by their values. */
function compareParts(a: string, b: string): number {
  let [left, right] = [a, b];
  while (left !== '' || right !== '') {
    const texts = [left, right].map((each) => /^\D*/.exec(each)?.[0] ?? '') as [string, string];
    const byText = compareTexts(...texts);
    if (byText !== 0) return byText;
    [left, right] = [left.slice(texts[0].length), right.slice(texts[1].length)];
    const digits = [left, right].map((each) => /^\d*/.exec(each)?.[0] ?? '') as [string, string];
    const byNumber = compareDigits(...digits);
    if (byNumber !== 0) return byNumber;
    [left, right] = [left.slice(digits[0].length), right.slice(digits[1].length)];
  }
  return 0;
}

function compareTexts(a: string, b: string): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = weightOf(a[i]) - weightOf(b[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `~` sorts before the end, the end before letters, letters before everything else. */
function weightOf(character: string | undefined): number {
  if (character === '~') return -1;
  if (character === undefined) return 0;
  const code = character.charCodeAt(0);
  return /[A-Za-z]/.test(character) ? code : code + 256;
}

/** Compares numbers of any length by value: some versions have a date and a time in one number. */
function compareDigits(a: string, b: string): number {
  const [x, y] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  if (x.length !== y.length) return x.length - y.length;
  return x < y ? -1 : x > y ? 1 : 0;
}
