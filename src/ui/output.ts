import { printableStyled, printableText } from './format.ts';

/** Where a command's results go. Only src/cli/failure.ts prints errors. */
export interface Output {
  /** Lines for a person. */
  line: (text: string) => void;
  /** The same with styles of turnbuild's own. */
  styled: (text: string) => void;
  /** The result as one JSON document on standard output; `--json` prints nothing else there. */
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

/** A value as a JSON document that a terminal shows as it is. */
export function jsonText(value: unknown): string {
  return `${escaped(JSON.stringify(value, null, 2))}\n`;
}

/** JSON leaves some control characters, and all invisible ones, as they are: terminals follow them, or show another order. */
function escaped(json: string): string {
  return json.replaceAll(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    // Above U+FFFF there are two code units.
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
