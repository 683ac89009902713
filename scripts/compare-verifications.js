// @ts-check
// `node scripts/compare-verifications.js DIR DIR`: fails unless two verifications of one package recorded the same facts about installing,
// upgrading and removing it. Each DIR is the `verify` folder in a package's results, which are in `work/verify` of a release's folder.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { differences } from './compare/verification.js';

/** @param {string} folder */
const read = (folder) =>
  new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));

const [first, second] = process.argv.slice(2);
if (first === undefined || second === undefined) throw new Error('expected two folders');
const found = differences(read(first), read(second));
for (const line of found) console.log(line);
console.log(
  found.length === 0 ? 'Both verifications recorded the same facts.' : `${found.length} differences.`,
);
process.exitCode = found.length === 0 ? 0 : 1;
