import { messageOf, TurnbuildError } from '../errors.ts';
import { ARCHITECTURES, type Arch } from '../plan/platforms.ts';
import { maintainerOption } from '../run/options.ts';
import type { Recipes } from '../run/recipes.ts';
import { interrupted } from '../run/step.ts';
import { requireRequest } from '../sources/choice.ts';
import { askChoices, askText } from '../ui/prompts.ts';

/** The settings that `init` writes to turnbuild.yaml. */
export interface InitSettings {
  coturn: string;
  targets: string[];
  architectures: Arch[];
  maintainer?: string;
}

/**
 * Asks for the settings that are not on the command line.
 * @param given from the command line
 * @param usual defaults to propose
 */
export async function askSettings(
  given: Partial<InitSettings>,
  usual: InitSettings,
  { recipes, signal }: { recipes: Recipes; signal: AbortSignal },
): Promise<InitSettings> {
  const targets = recipes.targets.map(({ name }) => name);
  try {
    const answers = {
      coturn:
        given.coturn ??
        (await askText(
          {
            message: 'Which coturn version? (X.Y.Z, a semver range, or latest)',
            initial: usual.coturn,
            refuse: (answer) => refusal(() => requireRequest(answer)),
          },
          signal,
        )) ??
        usual.coturn,
      targets:
        given.targets ??
        (await askChoices({ message: 'Which targets?', choices: targets, initial: usual.targets }, signal)),
      architectures:
        given.architectures ??
        (await askChoices(
          { message: 'Which architectures?', choices: ARCHITECTURES, initial: usual.architectures },
          signal,
        )),
      maintainer:
        given.maintainer ??
        (await askText(
          {
            message: 'Who maintains the packages? (Name <address@host>, optional)',
            optional: true,
            refuse: (answer) => refusal(async () => void maintainerOption(answer)),
          },
          signal,
        )),
    };
    const { maintainer, ...others } = answers;
    return maintainer === undefined ? others : { ...others, maintainer };
  } catch (error) {
    // Ctrl-C, as a key of the prompt or as a signal.
    if (error instanceof Error && /^(Exit|AbortPrompt)/.test(error.name)) throw interrupted();
    throw error;
  }
}

/** The error of an invalid answer, as one line. */
async function refusal(work: () => Promise<void>): Promise<string | undefined> {
  return work().then(
    () => undefined,
    (error: unknown) =>
      error instanceof TurnbuildError ? error.message.replace(/^--/, '') : messageOf(error),
  );
}
