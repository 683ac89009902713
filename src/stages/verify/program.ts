import { drains, metricNamesIn, optionsOfElf, reloads } from '../../config/elf-options.ts';
import { OptionTableError } from '../../config/option-table.ts';
import type { StageContext } from '../shared/context.ts';

/** Extracts options, metrics and features from the program, in the format of the build stage, and removes its copy. */
export async function readProgram(context: StageContext, inspect: string): Promise<void> {
  const { files } = context.io;
  const file = `${inspect}/turnserver`;
  const program = (await files.exists(file)) ? await files.readBytes(file) : Buffer.alloc(0);
  await files.remove(file);
  await files.writeText(
    `${inspect}/options.txt`,
    optionsOrNone(program)
      .map((name) => `${name}\n`)
      .join(''),
  );
  await files.writeText(
    `${inspect}/metrics.txt`,
    metricNamesIn(program)
      .map((name) => `${name}\n`)
      .join(''),
  );
  await files.writeText(
    `${inspect}/features.txt`,
    [
      `drain ${drains(program) ? 'yes' : 'no'}\n`,
      `reload ${reloads(program) ? 'yes' : 'no'}\n`,
      // The name occurs in error messages or among the needed libraries.
      `microhttpd ${program.includes('libmicrohttpd') ? 'yes' : 'no'}\n`,
    ].join(''),
  );
}

/** The options of a program; none if it has no readable table, which the check `elf.options` reports. */
export function optionsOrNone(program: Buffer): string[] {
  try {
    return optionsOfElf(program).map(({ name }) => name);
  } catch (error) {
    if (error instanceof OptionTableError) return [];
    throw error;
  }
}
