import { wrap } from './format.ts';

/** One task that has failed. */
export interface FailedTask {
  /** What it was about: `debian-12 arm64`, `base image trixie-arm64`. */
  group: string;
  /** `build` */
  task: string;
  error: unknown;
}

/** A failed task, in words. */
export interface Failure extends Omit<FailedTask, 'error'> {
  message: string;
  /** Its lines are verdicts, each of which may be true of other tasks, too; else the message is one thing. */
  verdicts: boolean;
}

const WIDTH = 80;

/**
 * Failures as text: each message once, beneath the names of all that failed by it. Where only the details differ (a compiler's last lines),
 * those of the first are printed: the others are in their logs.
 */
export function describeFailures(failures: readonly Failure[]): string {
  const parts = new Map<string, { task: string; groups: string[]; lines: string[] }>();
  for (const task of new Set(failures.map((each) => each.task))) {
    const own = failures.filter((each) => each.task === task);
    for (const { groups, lines } of [...together(own), ...apart(own)]) {
      const key = `${task}\n${groups.join('\n')}`;
      const part = parts.get(key) ?? { task, groups, lines: [] };
      part.lines.push(...lines);
      parts.set(key, part);
    }
  }
  return [...parts.values()]
    .map(({ task, groups, lines }) => [...heading(task, groups), ...lines].join('\n'))
    .join('\n\n');
}

/** Lines that are broken between names, not within one. */
function heading(task: string, groups: readonly string[]): string[] {
  const names = groups.map((name) => name.replaceAll(' ', '\0')).join(', ');
  return wrap(`${task} failed for ${names}:`, WIDTH).map((line) => line.replaceAll('\0', ' '));
}

interface Part {
  groups: string[];
  lines: string[];
}

/** Messages that are one thing: the same if their first lines are, but for the names in them. */
function together(failures: readonly Failure[]): Part[] {
  const parts = new Map<string, Part>();
  for (const { group, message, verdicts } of failures) {
    if (verdicts) continue;
    const key = withoutNames(message.split('\n', 1)[0] ?? '', group);
    const part = parts.get(key);
    if (part === undefined) parts.set(key, { groups: [group], lines: message.split('\n') });
    else part.groups.push(group);
  }
  return [...parts.values()];
}

/** Verdicts: each line once, with those that it is true of. */
function apart(failures: readonly Failure[]): Part[] {
  const groups = new Map<string, string[]>();
  for (const { group, message, verdicts } of failures) {
    if (!verdicts) continue;
    for (const line of new Set(message.split('\n'))) groups.set(line, [...(groups.get(line) ?? []), group]);
  }
  return [...groups].map(([line, names]) => ({ groups: names, lines: [line] }));
}

/** `build:debian-12:arm64: it failed` -> `: it failed` */
function withoutNames(line: string, group: string): string {
  const words = group.replace(/^base image /, '').split(' ');
  return words.reduce((text, word) => text.replaceAll(word, ''), line);
}
