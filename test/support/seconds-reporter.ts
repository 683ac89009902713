import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** Projects whose tests take seconds or minutes each: every one is printed when it ends. Of the others, files are. */
const SLOW_PROJECTS: readonly string[] = ['e2e', 'full'];

const seconds = (ms: number) => `${(ms / 1000).toFixed(1).padStart(8)} s`;

/** Prints how long each end-to-end test and each file took, and how many tests passed, failed and were skipped. */
export class SecondsReporter implements Reporter {
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void = console.log) {
    this.#print = print;
  }

  onTestCaseResult(test: TestCase): void {
    if (!SLOW_PROJECTS.includes(test.project.name)) return;
    const { state } = test.result();
    const time = seconds(test.diagnostic()?.duration ?? 0);
    this.#print(`${time}  ${state}: ${nameOf(test.module)} > ${test.fullName}`);
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    this.#print('');
    const files = modules.map((module) => ({ name: nameOf(module), ms: module.diagnostic().duration }));
    for (const { name, ms } of files.sort((a, b) => b.ms - a.ms)) this.#print(`${seconds(ms)}  ${name}`);
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules)
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        // A test that a failed beforeAll has kept from running is pending, and has proved nothing.
        counts[state === 'pending' ? 'failed' : state] += 1;
      }
    this.#print(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}

function nameOf(module: TestModule): string {
  return relative(module.project.config.root, module.moduleId);
}
