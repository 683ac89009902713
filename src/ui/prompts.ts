import checkbox from '@inquirer/checkbox';
import input from '@inquirer/input';

/** A question whose answer is a line of text. */
export interface TextQuestion {
  message: string;
  initial?: string;
  /** An empty answer is allowed. */
  optional?: boolean;
  /** Validates an answer. Returns why it is invalid; undefined if it is valid. */
  refuse: (answer: string) => Promise<string | undefined> | string | undefined;
}

/** A multiple-choice question. */
export interface ChoiceQuestion<T extends string> {
  message: string;
  choices: readonly T[];
  initial: readonly T[];
}

/** Asks for text. Rejects if interrupted. */
export async function askText(
  { message, initial, optional, refuse }: TextQuestion,
  signal: AbortSignal,
): Promise<string | undefined> {
  const validate = async (answer: string) =>
    (optional === true && answer.trim() === '') || ((await refuse(answer.trim())) ?? true);
  const answer = await input(
    { message, validate, ...(initial === undefined ? {} : { default: initial }) },
    { signal },
  );
  return answer.trim() === '' ? undefined : answer.trim();
}

/** Asks for at least one of several names. Rejects if interrupted. */
export async function askChoices<T extends string>(
  { message, choices, initial }: ChoiceQuestion<T>,
  signal: AbortSignal,
): Promise<T[]> {
  return checkbox<T>(
    {
      message,
      required: true,
      choices: choices.map((value) => ({ value, name: value, checked: initial.includes(value) })),
    },
    { signal },
  );
}
