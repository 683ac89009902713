/** What a line of the console shows that no healthy boot shows. */
interface Symptom {
  name: string;
  pattern: RegExp;
}

/** Texts of the kernel and of systemd. A machine with any of them is not healthy, whatever else works. */
const SYMPTOMS: readonly Symptom[] = [
  { name: 'kernel panic', pattern: /Kernel panic - not syncing/ },
  {
    name: 'kernel oops',
    pattern: /\bOops\b|BUG: |Unable to handle kernel|general protection fault|Internal error: /,
  },
  { name: 'kernel warning', pattern: /WARNING: CPU: \d+ PID: \d+ at / },
  {
    name: 'stalled processor',
    pattern: /rcu: INFO: .* detected stalls|soft lockup|hung_task|blocked for more than \d+ seconds/,
  },
  { name: 'out of memory', pattern: /Out of memory: Killed process|oom-kill:/ },
  { name: 'crashed program', pattern: /segfault at |trap invalid opcode|dumped core/ },
  { name: 'input or output error', pattern: /I\/O error|EXT4-fs error|nvme .* timeout/ },
  { name: 'ordering cycle', pattern: /Found ordering cycle|Breaking ordering cycle/ },
  { name: 'failed unit', pattern: /\[FAILED\]|Failed to start |Failed with result/ },
  { name: 'missing dependency', pattern: /\[DEPEND\]|Dependency failed for / },
  { name: 'emergency mode', pattern: /emergency mode|rescue mode|Give root password/ },
  {
    name: 'lost file system',
    pattern: /turnbuild: found no partition|Cannot open root device|unable to mount root/i,
  },
];

/** A line of the console that shows a problem. */
export interface ConsoleProblem {
  symptom: string;
  line: string;
}

/** Every line of a console that shows a problem, without colours. */
export function consoleProblems(text: string): ConsoleProblem[] {
  return consoleLines(text).flatMap((line) => {
    const symptom = SYMPTOMS.find(({ pattern }) => pattern.test(line));
    return symptom === undefined ? [] : [{ symptom: symptom.name, line }];
  });
}

/** The lines of a console without control sequences. */
export function consoleLines(text: string): string[] {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to remove
      .replaceAll(/\x1b\[[0-9;?=]*[A-Za-z]|\x1b[()][A-Z0-9]|[\x00-\x08\x0b-\x1f\x7f]/g, '')
      .split('\n')
      .map((line) => line.trimEnd())
      .filter((line) => line !== '')
  );
}
