import { wrap } from './format.ts';

/** One task that has failed. */
export interface FailedTask {
  /** `debian-12 arm64`, `base image trixie-arm64` */
  group: string;
  /** `build` */
  task: string;
  error: unknown;
}

/** A failed task, as text. */
export interface Failure extends Omit<FailedTask, 'error'> {
  message: string;
  /** Whether each line is a verdict that other tasks may share. Otherwise the message is a unit. */
  verdicts: boolean;
}

const WIDTH = 80;

/**
 * Failures as text: each message once, below the names of all tasks that failed with it. If only details differ (a compiler's last lines),
 * prints those of the first; the logs have the others.
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

/** Wraps lines between names, not within one. */
function heading(task: string, groups: readonly string[]): string[] {
  const names = groups.map((name) => name.replaceAll(' ', '\0')).join(', ');
  return wrap(`${task} failed for ${names}:`, WIDTH).map((line) => line.replaceAll('\0', ' '));
}

interface Part {
  groups: string[];
  lines: string[];
}

/** Groups messages that are units: equal if their first lines are, ignoring the names in them. */
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

/** Groups verdicts: each line once, with the tasks that share it. */
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
