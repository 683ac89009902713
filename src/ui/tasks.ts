import { Listr, type ListrTask } from 'listr2';
import type { FailedTask } from './failures.ts';
import { formatDuration } from './format.ts';

/** One task: a title and one call. `show` takes progress; the result is a short remark that ends the title. */
export interface Task {
  title: string;
  run: (show: (text: string) => void) => Promise<string | undefined>;
  /** Does the work when its turn has come; at once without it. */
  turn?: (work: () => Promise<void>) => Promise<void>;
}

const atOnce = (work: () => Promise<void>) => work();

/** Tasks that run one after the other; groups run side by side. */
export interface TaskGroup {
  title: string;
  tasks: readonly Task[];
}

export interface TaskOptions {
  /** Plain lines: not a terminal, CI, or --verbose. */
  plain: boolean;
  /** Groups at a time. */
  jobs: number;
  /** Prints a line in plain mode. */
  line: (text: string) => void;
}

/**
 * Runs groups of tasks and shows them: live in a terminal, as plain lines elsewhere. A group whose task fails stops; the
 * others go on. Returns what failed, in the order in which it happened.
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
  else await runLive(all, options);
  return errors;
}

async function runLive(groups: readonly TaskGroup[], { jobs }: TaskOptions): Promise<void> {
  const subtask = (task: Task): ListrTask => ({
    title: task.title,
    rendererOptions: { outputBar: 1, persistentOutput: false },
    task: async (_, wrapper) => {
      wrapper.title = `${task.title} (waiting)`;
      await (task.turn ?? atOnce)(async () => {
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
    },
  });
  const tasks = groups.map(
    (group): ListrTask => ({
      title: group.title,
      // Without this, the tasks of a group would go side by side, as the groups do: listr2 hands its options down.
      task: (_, wrapper) =>
        wrapper.newListr(group.tasks.map(subtask), { exitOnError: true, concurrent: false }),
    }),
  );
  await new Listr(tasks, {
    concurrent: jobs,
    exitOnError: false,
    rendererOptions: { collapseSubtasks: false, collapseErrors: false, showErrorMessage: false },
    registerSignalListeners: false,
  }).run();
}

async function runPlain(groups: readonly TaskGroup[], options: TaskOptions): Promise<void> {
  const queue = [...groups];
  const worker = async () => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift())
      await plainGroup(group, options.line);
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, groups.length) }, worker));
}

async function plainGroup(group: TaskGroup, line: (text: string) => void): Promise<void> {
  for (const task of group.tasks) {
    let started = Date.now();
    try {
      await (task.turn ?? atOnce)(async () => {
        started = Date.now();
        line(`${group.title}: ${task.title} ...`);
        const remark = await task.run(() => {});
        line(`${group.title}: ${titleOf(task, started, remark)}`);
      });
    } catch {
      // The error itself is printed once, at the end, by the command line.
      line(`${group.title}: ${task.title} FAILED after ${formatDuration((Date.now() - started) / 1000)}`);
      return;
    }
  }
}

function titleOf(task: Task, started: number, remark: string | undefined): string {
  const seconds = (Date.now() - started) / 1000;
  return `${task.title}: ${remark === undefined ? '' : `${remark}, `}${formatDuration(seconds)}`;
}
