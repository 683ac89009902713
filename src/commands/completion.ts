/** An option, for completion. */
export interface CompletableOption {
  /** `--arch` */
  flag: string;
  takesValue: boolean;
  /** The option takes several values, separated by commas. */
  list: boolean;
  /** Possible values; empty if any value is allowed, e.g. a file. */
  values: readonly string[];
}

/** A command, for completion. */
export interface CompletableCommand {
  name: string;
  summary: string;
  options: readonly CompletableOption[];
  /** Possible values of its argument, besides files. */
  argument: readonly string[];
}

/** A shell's completion script, generated from the program's commands and options. */
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
  const flags = ({ options }: CompletableCommand) => options.map(({ flag }) => flag).join(' ');
  const words = commands.map(
    (command) => `    ${command.name}) words="${flags(command)} ${command.argument.join(' ')}" ;;`,
  );
  const values = commands.flatMap(({ name, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(
        (option) =>
          `    "${name} ${option.flag}") words="${option.values.join(' ')}" value=${option.list ? 'list' : 'one'} ;;`,
      ),
  );
  // Completing a list keeps its earlier items.
  return `_turnbuild() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words="${commands.map(({ name }) => name).join(' ')} --help --version"
  local value="" before="" option="\${COMP_WORDS[COMP_CWORD-1]}"
  # --arch=VALUE is three words.
  if [ "$word" = = ]; then
    word=""
  elif [ "$option" = = ]; then
    option="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  if [ "$COMP_CWORD" -gt 1 ]; then
    words=""
    case "\${COMP_WORDS[1]}" in
${words.join('\n')}
    esac
    case "\${COMP_WORDS[1]} $option" in
${values.join('\n')}
    esac
    if [ "$value" = list ] && [ "$word" != "\${word%,*}" ]; then
      before="\${word%,*},"
      word="\${word##*,}"
    fi
  fi
  COMPREPLY=($(compgen -P "$before" -W "$words" -- "$word"))
}
complete -o default -F _turnbuild turnbuild
`;
}

function fish(commands: readonly CompletableCommand[]): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap(({ name, summary, options, argument }) => {
    const within = `complete -c turnbuild -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c turnbuild -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
      ...(argument.length === 0 ? [] : [`${within} -a ${quoted(argument.join(' '))}`]),
      ...options.map(({ flag, takesValue, list, values }) => {
        const option = `${within} -l ${flag.replace(/^--/, '')}`;
        if (values.length === 0) return takesValue ? `${option} -r` : option;
        const words = values.join(' ');
        return `${option} -x -a ${quoted(list ? `(__fish_append , ${words})` : words)}`;
      }),
    ];
  });
  return `${lines.join('\n')}\n`;
}
