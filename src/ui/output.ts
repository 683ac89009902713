import { printableText } from './format.ts';

/** Where a command's results go. Only src/cli/failure.ts prints errors. */
export interface Output {
  /** One line for a person. */
  line: (text: string) => void;
  /** The result as one JSON document on standard output; `--json` prints nothing else there. */
  data: (value: unknown) => void;
}

/** With `json`, lines for people go to standard error, so that standard output is one document. */
export function createOutput(json: boolean): Output {
  return {
    line: (text) => void (json ? process.stderr : process.stdout).write(`${printableText(text)}\n`),
    data: (value) => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
  };
}
