// `node scripts/side-by-side.js NAME=manifest.json NAME=manifest.json`: compares the checks of packages as a Markdown table.
import { readFileSync } from 'node:fs';

const MARKS = {
  passed: 'yes',
  failed: '**no**',
  accepted: '**no** (accepted)',
  'not-applicable': '–',
  'cannot-here': '–',
  deselected: 'not run',
  blocked: 'blocked',
};
/** Maximum characters of a message. The report has the full text. */
const MESSAGE_CHARS = 160;

const columns = process.argv.slice(2).map((word) => {
  const at = word.indexOf('=');
  if (at < 1) throw new Error(`invalid argument "${word}": expected NAME=manifest.json`);
  const manifest = JSON.parse(readFileSync(word.slice(at + 1), 'utf8'));
  const checks = manifest.steps.flatMap((step) => step.checks ?? []);
  if (checks.length === 0) throw new Error(`${word.slice(at + 1)} has no checks`);
  return { name: word.slice(0, at), checks: new Map(checks.map((check) => [check.id, check])) };
});
if (columns.length < 2) throw new Error('expected at least two manifests');

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const short = (text) => (text.length > MESSAGE_CHARS ? `${text.slice(0, MESSAGE_CHARS)}…` : text);
const ids = [...new Set(columns.flatMap(({ checks }) => [...checks.keys()]))];

console.log(`| check | ${columns.map(({ name }) => name).join(' | ')} | finding |`);
console.log(`| --- | ${columns.map(() => ':-:').join(' | ')} | --- |`);
for (const id of ids) {
  const results = columns.map(({ checks }) => checks.get(id));
  const title = results.find((result) => result !== undefined)?.title ?? '';
  const found = results
    .filter((result) => result !== undefined && result.status !== 'passed')
    .map((result) => short(result.message));
  const marks = results.map((result) => (result === undefined ? 'not run' : MARKS[result.status]));
  console.log(
    `| ${cell(title)} \`${id}\` | ${marks.join(' | ')} | ${cell([...new Set(found)].join('; '))} |`,
  );
}
for (const { name, checks } of columns) {
  const count = (status) => [...checks.values()].filter((check) => check.status === status).length;
  const without = ['not-applicable', 'cannot-here', 'deselected'].reduce((sum, each) => sum + count(each), 0);
  const parts = ['failed', 'blocked'].map((status) => `${count(status)} ${status}`);
  console.log(
    `\n${name}: ${count('passed')} of ${checks.size} passed, ${parts.join(', ')}, ${without} without a verdict.`,
  );
}
