// `node scripts/trim-capture.js VERIFY-FOLDER`: shortens the laboratory's facts about a version for test/fixtures/versions/VERSION.json.
// VERIFY-FOLDER is `work/verify/TARGET-ARCH` in a release's folder. Keeps only the ends of logs and every other forbidden peer.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const LOG_CHARS = 200;

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error(
    "trim-capture: expected the folder of a verification: work/verify/TARGET-ARCH in a release's folder",
  );
  process.exit(2);
}
const lab = JSON.parse(readFileSync(join(folder, 'lab/lab.json'), 'utf8'));
const features = readFileSync(join(folder, 'inspect/features.txt'), 'utf8');
const peers = [...new Set(lab.forbidden.attempts.map(({ peer }) => peer))];
const kept = new Set(peers.filter((_, index) => index % 2 === 0));
lab.forbidden.attempts = lab.forbidden.attempts.filter(({ peer }) => kept.has(peer));
lab.seconds = {};
for (const name of Object.keys(lab.logs)) lab.logs[name] = lab.logs[name].slice(-LOG_CHARS);
lab.service.log = lab.service.log.slice(-LOG_CHARS);

/** One line for each small object, so that a diff shows what changed. */
const small = (value) => value === null || typeof value !== 'object' || JSON.stringify(value).length < 160;
const write = (value, indent) => {
  if (small(value)) return JSON.stringify(value);
  const inner = `${indent} `;
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const entries = Object.entries(value).map(([key, each]) =>
    Array.isArray(value) ? write(each, inner) : `${JSON.stringify(key)}:${write(each, inner)}`,
  );
  return `${open}\n${entries.map((entry) => inner + entry).join(',\n')}\n${indent}${close}`;
};
const has = (name) => new RegExp(`^${name} yes$`, 'm').test(features);
console.log(
  write({ drains: has('drain'), reloads: has('reload'), hasMicrohttpd: has('microhttpd'), lab }, ''),
);
