import { readdirSync, readFileSync } from 'node:fs';
import type { Cloud } from '../../src/recipe/machine.ts';

const FOLDER = new URL('../../recipes/docker/machine/agent/testdata/settings/', import.meta.url);

/** A settings document with the problems that turn-agent reports, in their order. */
export interface Sample {
  document: string;
  cloud: Cloud;
  /** The time at which the document is checked, if it matters. */
  now?: string;
  problems: string[];
}

/** turn-agent's corpus by file name. Its own tests in Go use the same files. */
export function settingsCorpus(): [name: string, sample: Sample][] {
  return readdirSync(FOLDER).map((name) => [
    name.replace(/\.json$/, ''),
    JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')),
  ]);
}
