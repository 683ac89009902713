/** What completion knows of a command. */
export interface CompletableCommand {
  name: string;
  summary: string;
  options: string[];
}

/** A completion script for a shell, from the very commands and options of the program. */
export function completionScript(
  shell: 'bash' | 'zsh' | 'fish',
  commands: readonly CompletableCommand[],
): string {
  if (shell === 'fish') return fish(commands);
  // zsh reads bash completions through bashcompinit.
  const head = shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : '';
  return head + bash(commands);
}

function bash(commands: readonly CompletableCommand[]): string {
  const cases = commands
    .map(({ name, options }) => `    ${name}) words="${options.join(' ')}" ;;`)
    .join('\n');
  return `_turnbuild() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words="${commands.map(({ name }) => name).join(' ')} --help --version"
  if [ "$COMP_CWORD" -gt 1 ]; then
    case "\${COMP_WORDS[1]}" in
${cases}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _turnbuild turnbuild
`;
}

function fish(commands: readonly CompletableCommand[]): string {
  const lines = commands.flatMap(({ name, summary, options }) => [
    `complete -c turnbuild -n __fish_use_subcommand -f -a ${name} -d '${summary.replaceAll("'", "\\'")}'`,
    ...options.map(
      (option) =>
        `complete -c turnbuild -n '__fish_seen_subcommand_from ${name}' -l ${option.replace(/^--/, '')}`,
    ),
  ]);
  return `${lines.join('\n')}\n`;
}
