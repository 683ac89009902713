import { createOutput, type Output } from '../ui/output.ts';
import { interrupt } from './interrupt.ts';

/** What a command does with its argument and its options. It resolves to the exit code. */
type Verb<Argument, Options> = (
  argument: Argument,
  options: Options,
  output: Output,
  signal: AbortSignal,
) => Promise<number>;

/**
 * A command's action, as commander calls it. A command without an argument is given undefined.
 * @param load the verb, whose code is read only now
 */
export function runs<Argument, Options extends { json?: boolean; sarif?: boolean }>(
  load: () => Promise<Verb<Argument, Options>>,
): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const verb = await load();
    // What commander gives: the argument, the options, and the command itself.
    const [argument, options] = (given.length === 2 ? [undefined, given[0]] : given) as [Argument, Options];
    const output = createOutput(options.json === true || options.sarif === true);
    process.exitCode = await verb(argument, options, output, interrupt.signal);
  };
}
