import { Command } from 'commander';
import { expect, it } from 'vitest';
import { addOptions } from '../../../src/cli/options.ts';
import { type CommonOptions, givenFlags, type OptionName } from '../../../src/run/options.ts';

it('names the given options as the command line has them, and only those that count', () => {
  const { options } = addOptions(new Command(), 'release');
  const positive = options.filter(({ negate }) => !negate);
  const counts = Object.fromEntries(positive.map((option) => [option.attributeName(), true]));
  const given = Object.fromEntries(options.map((option) => [option.attributeName(), 'given']));
  expect(givenFlags(given as CommonOptions, counts as Record<OptionName, boolean>)).toEqual(
    positive.map(({ long }) => long),
  );
  expect(givenFlags({ lock: 'x' }, counts as Record<OptionName, boolean>)).toEqual(['--lock']);
});
