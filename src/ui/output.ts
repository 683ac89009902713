import { escapedJson } from '../manifest/escaped-json.ts';
import { printableStyled, printableText } from './format.ts';

/** Where a command's results go. Only src/cli/failure.ts prints errors. */
export interface Output {
  /** Prints lines for people. */
  line: (text: string) => void;
  /** Like `line`, for text with turnbuild's styles. */
  styled: (text: string) => void;
  /** Prints the result as one JSON document on standard output; `--json` prints nothing else there. */
  data: (value: unknown) => void;
}

/** With `json`, lines for people go to standard error, so that standard output is one document. */
export function createOutput(json: boolean): Output {
  const print = (text: string) => void (json ? process.stderr : process.stdout).write(`${text}\n`);
  return {
    line: (text) => print(printableText(text)),
    styled: (text) => print(printableStyled(text)),
    data: (value) => void process.stdout.write(jsonText(value)),
  };
}

/** A value as a JSON document without characters that a terminal would interpret. */
export function jsonText(value: unknown): string {
  return `${escapedJson(JSON.stringify(value, null, 2))}\n`;
}
