import type { Command } from 'commander';

/** Prints the completion script of a shell for every command of a program. */
export async function printCompletion(program: Command, shell: 'bash' | 'zsh' | 'fish'): Promise<void> {
  const { completionScript } = await import('../commands/completion.ts');
  const { completionValues } = await import('../commands/completion-values.ts');
  const values = await completionValues();
  const commands = program.commands.map((command) => {
    const name = command.name();
    const [argument] = command.registeredArguments;
    return {
      name,
      summary: command.summary(),
      options: command.options.flatMap(({ long, required, parseArg }) =>
        long === undefined || long === null
          ? []
          : [{ flag: long, takesValue: required, list: parseArg !== undefined, values: values(name, long) }],
      ),
      argument: argument?.argChoices ?? values(name, argument?.name() ?? ''),
    };
  });
  process.stdout.write(completionScript(shell, commands));
}
