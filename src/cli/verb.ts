import { createOutput, type Output } from '../ui/output.ts';
import { interrupt } from './interrupt.ts';

/** A command's implementation. Resolves to the exit code. */
type Verb<Argument, Options> = (
  argument: Argument,
  options: Options,
  output: Output,
  signal: AbortSignal,
) => Promise<number>;

/**
 * Wraps a verb as a commander action. If the command takes no argument, the verb receives undefined.
 * @param load imports the verb when it is needed
 */
export function runs<Argument, Options extends { json?: boolean; sarif?: boolean }>(
  load: () => Promise<Verb<Argument, Options>>,
): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const verb = await load();
    // commander passes the argument, the options, and the command itself.
    const [argument, options] = (given.length === 2 ? [undefined, given[0]] : given) as [Argument, Options];
    const output = createOutput(options.json === true || options.sarif === true);
    process.exitCode = await verb(argument, options, output, interrupt.signal);
  };
}
