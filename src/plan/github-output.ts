/**
 * Lines for the file in GITHUB_OUTPUT, which sets outputs of a step.
 * @param outputs name -> value; null becomes an empty output, and other values that are neither text, number nor boolean become JSON
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-output-parameter
 */
export function githubOutput(outputs: Readonly<Record<string, unknown>>): string {
  return Object.entries(outputs)
    .map(([name, value]) => {
      const text = value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
      // A line break would start another output.
      if (/[\r\n]/.test(text)) throw new Error(`The output ${name} has a line break`);
      return `${name}=${text}\n`;
    })
    .join('');
}

/** The packages that a plan makes, one for each job of a matrix. */
export function matrixOf(
  steps: readonly { target: string; arch: string }[],
): { target: string; arch: string }[] {
  const jobs = new Map(steps.map(({ target, arch }) => [`${target} ${arch}`, { target, arch }]));
  return [...jobs.values()];
}
