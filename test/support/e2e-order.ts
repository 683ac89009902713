import { basename } from 'node:path';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** Starts the longest files first: two end-to-end files run at once, and both lanes should end at about the same time. */
const FIRST = ['emulated.test.ts', 'release.test.ts', 'faults.test.ts'];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = FIRST.indexOf(basename(moduleId));
      return index < 0 ? FIRST.length : index;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
