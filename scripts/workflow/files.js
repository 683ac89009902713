// The files through which a step tells the runner something, and artifacts as folders.
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { basename, join, relative } from 'node:path';

/** Lines `name=value`, or `name<<END` with several lines, of GITHUB_OUTPUT or GITHUB_ENV. */
export function readAssignments(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const values = {};
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at];
    if (line === '') continue;
    const [, name, end] = /^([\w-]+)<<(\S+)$/.exec(line) ?? [];
    if (name !== undefined) {
      const last = lines.indexOf(end, at + 1);
      if (last === -1) throw new Error(`${basename(file)}: ${name} has no end`);
      values[name] = lines.slice(at + 1, last).join('\n');
      at = last;
    } else if (/^[\w-]+=/.test(line))
      values[line.slice(0, line.indexOf('='))] = line.slice(line.indexOf('=') + 1);
    else throw new Error(`${basename(file)}: cannot read ${JSON.stringify(line)}`);
  }
  return values;
}

/** Characters that an artifact's files must not have in their names. @see https://github.com/actions/upload-artifact */
const FORBIDDEN = /[":<>|*?\r\n]/;

/** actions/upload-artifact: one path, without hidden files, empty folders and permissions. */
export function upload(path, to, ifNone) {
  if (/[\n*?[]/.test(path)) throw new Error(`this runner uploads one path, not ${JSON.stringify(path)}`);
  if (existsSync(to)) throw new Error(`the artifact ${basename(to)} exists already`);
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  const files = !existsSync(path) ? [] : isFolder ? plainFiles(path) : [basename(path)];
  if (files.length === 0 && ifNone === 'error') throw new Error(`no files found in ${path}`);
  for (const file of files) {
    if (FORBIDDEN.test(file))
      throw new Error(`the artifact's file ${JSON.stringify(file)} has a forbidden character`);
    cpSync(isFolder ? join(path, file) : path, join(to, file), { dereference: true });
    chmodSync(join(to, file), 0o644);
  }
}

function plainFiles(dir, top = dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.')) return [];
    const path = join(dir, entry.name);
    if (lstatSync(path).isDirectory()) return plainFiles(path, top);
    return statSync(path).isFile() ? [relative(top, path)] : [];
  });
}

/** actions/download-artifact: a single artifact has no folder of its own, even if a pattern has found it. */
export function download(artifacts, { name, pattern, path }) {
  const known = existsSync(artifacts) ? readdirSync(artifacts) : [];
  const matcher = new RegExp(`^${(pattern ?? '').split('*').map(quoted).join('.*')}$`);
  const found = known.filter((each) => (name === undefined ? matcher.test(each) : each === name));
  if (found.length === 0) throw new Error(`no artifact ${name ?? pattern}`);
  for (const each of found) {
    const to = found.length === 1 ? path : join(path, each);
    mkdirSync(to, { recursive: true });
    cpSync(join(artifacts, each), to, { recursive: true });
  }
}

const quoted = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
