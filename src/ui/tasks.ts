import { Listr, type ListrTask } from 'listr2';
import type { FailedTask } from './failures.ts';
import { formatDuration } from './format.ts';

/** A task. `show` displays progress; the result is a short remark that is appended to the title. */
export interface Task {
  title: string;
  run: (show: (text: string) => void) => Promise<string | undefined>;
  /** Schedules the work; by default it runs immediately. Returns the reason if it was skipped. */
  turn?: (work: () => Promise<void>) => Promise<string | undefined>;
}

const atOnce = async (work: () => Promise<void>) => {
  await work();
  return undefined;
};

/** Tasks that are shown together. */
export interface TaskGroup {
  title: string;
  tasks: readonly Task[];
}

export interface TaskOptions {
  /** Print plain lines: not a terminal, CI, or --verbose. */
  plain: boolean;
  /** Prints a line in plain mode. */
  line: (text: string) => void;
}

/**
 * Runs tasks and shows them in their groups: live in a terminal, as plain lines elsewhere. All start together; each `turn` decides when the
 * work begins. Returns the failed tasks in the order of their failures.
 */
export async function runTasks(groups: readonly TaskGroup[], options: TaskOptions): Promise<FailedTask[]> {
  const errors: FailedTask[] = [];
  const noted = (group: string, task: Task): Task => ({
    ...task,
    run: (show) =>
      task.run(show).catch((error: unknown) => {
        errors.push({ group, task: task.title, error });
        throw error;
      }),
  });
  const all = groups.map((group) => ({
    ...group,
    tasks: group.tasks.map((task) => noted(group.title, task)),
  }));
  if (options.plain) await runPlain(all, options);
  else await runLive(all);
  return errors;
}

async function runLive(groups: readonly TaskGroup[]): Promise<void> {
  const subtask = (task: Task): ListrTask => ({
    title: task.title,
    rendererOptions: { outputBar: 1, persistentOutput: false },
    task: async (_, wrapper) => {
      wrapper.title = `${task.title} (waiting)`;
      const left = await (task.turn ?? atOnce)(async () => {
        const started = Date.now();
        wrapper.title = task.title;
        const timer = setInterval(() => {
          wrapper.title = `${task.title} (${formatDuration((Date.now() - started) / 1000)})`;
        }, 1000);
        try {
          const remark = await task.run((text) => {
            wrapper.output = text;
          });
          wrapper.title = titleOf(task, started, remark);
        } finally {
          clearInterval(timer);
        }
      });
      if (left !== undefined) wrapper.title = `${task.title}: skipped, ${left}`;
    },
  });
  const tasks = groups.map(
    (group): ListrTask => ({
      title: group.title,
      task: (_, wrapper) =>
        wrapper.newListr(group.tasks.map(subtask), { exitOnError: false, concurrent: true }),
    }),
  );
  await new Listr(tasks, {
    concurrent: true,
    exitOnError: false,
    rendererOptions: { collapseSubtasks: false, collapseErrors: false, showErrorMessage: false },
    registerSignalListeners: false,
  }).run();
}

async function runPlain(groups: readonly TaskGroup[], { line }: TaskOptions): Promise<void> {
  await Promise.all(groups.flatMap(({ title, tasks }) => tasks.map((task) => plainTask(title, task, line))));
}

async function plainTask(group: string, task: Task, line: (text: string) => void): Promise<void> {
  let started = Date.now();
  try {
    const left = await (task.turn ?? atOnce)(async () => {
      started = Date.now();
      line(`${group}: ${task.title} ...`);
      const remark = await task.run(() => {});
      line(`${group}: ${titleOf(task, started, remark)}`);
    });
    if (left !== undefined) line(`${group}: ${task.title}: skipped, ${left}`);
  } catch {
    // The error itself is printed once, at the end, by the command line.
    line(`${group}: ${task.title} FAILED after ${formatDuration((Date.now() - started) / 1000)}`);
  }
}

function titleOf(task: Task, started: number, remark: string | undefined): string {
  const seconds = (Date.now() - started) / 1000;
  return `${task.title}: ${remark === undefined ? '' : `${remark}, `}${formatDuration(seconds)}`;
}
