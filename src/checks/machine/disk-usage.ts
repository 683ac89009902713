import { fail, pass, type Verdict } from '../check.ts';
import type { DiskEntry, DiskFacts } from './disk-facts.ts';

const MIB = 1024 ** 2;

/** ext4's default. */
const BLOCK = 4096;
/** Packages that take less are counted together. */
const LISTED = MIB;
const REST = 'everything below 1 MiB';

/** Files that no package has, by what they are. */
const UNOWNED: readonly (readonly [path: RegExp, name: string])[] = [
  [/^usr\/(bin\/turn-agent$|lib\/turn-agent\/)/, 'turn-agent'],
  [/^var\/lib\/(dpkg|apt)\//, 'package database'],
  [/\/hwdb\.bin$/, 'hardware database'],
  [/^etc\/ssl\/certs\//, 'certificates'],
];

/** Bytes that an entry takes in the file system. A file with several names is divided among them. */
export function spaceOf({ type, bytes, links }: DiskEntry): number {
  if (type !== 'f' && type !== 'd') return 0;
  return (Math.ceil(bytes / BLOCK) * BLOCK) / (type === 'f' ? links : 1);
}

/** What takes the space of the root file system: package -> bytes, the largest first, the small ones together at the end. */
export function diskUsage({
  entries,
  owners,
}: Pick<DiskFacts, 'entries' | 'owners'>): Record<string, number> {
  const names = new Map(owners.map(({ name, path }) => [path, name]));
  const parts = new Map<string, number>();
  const add = (name: string, bytes: number) => parts.set(name, (parts.get(name) ?? 0) + bytes);
  for (const entry of entries) {
    const own = UNOWNED.find(([path]) => path.test(entry.path))?.[1];
    // A folder belongs to every package that has files in it.
    const owner = entry.type === 'd' ? 'folders' : names.get(entry.path);
    add(owner ?? own ?? 'other files', spaceOf(entry));
  }
  const kept = new Map<string, number>();
  for (const [name, bytes] of parts) {
    const key = bytes < LISTED ? REST : name;
    kept.set(key, (kept.get(key) ?? 0) + bytes);
  }
  const rank = (name: string) => (name === REST ? 1 : 0);
  return Object.fromEntries(
    [...kept]
      .map(([name, bytes]) => [name, Math.round(bytes)] as const)
      .sort((a, b) => rank(a[0]) - rank(b[0]) || b[1] - a[1] || (a[0] < b[0] ? -1 : 1)),
  );
}

/** Used bytes of the file system as df(1) shows them, without ext4's own structures; undefined if they are unknown. */
export function usedBytes({ disk }: Pick<DiskFacts, 'disk'>): number | undefined {
  const [blocks, free, overhead, size] = ['blocks', 'free', 'overhead', 'block-bytes'].map((name) =>
    Number(disk.get(name) ?? Number.NaN),
  ) as [number, number, number, number];
  const used = (blocks - free - overhead) * size;
  return Number.isFinite(used) ? used : undefined;
}

/** Judges the used bytes of a root file system. @param more further figures */
export function judgeUsed(used: number, maxUsedMiB: number, more: Verdict['figures'] = {}): Verdict {
  const usedMiB = Math.round(used / MIB);
  const figures = { 'used MiB': usedMiB, ...more };
  return used <= maxUsedMiB * MIB
    ? pass(`uses ${usedMiB} MiB (limit ${maxUsedMiB} MiB)`, figures)
    : fail(`uses ${usedMiB} MiB, more than ${maxUsedMiB} MiB`, figures);
}
