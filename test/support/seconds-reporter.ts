import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

/** Projects whose tests take seconds or minutes each. vitest's own reporter prints the durations of the others. */
const SLOW_PROJECTS: readonly string[] = ['e2e', 'full'];

const seconds = (ms: number) => `${(ms / 1000).toFixed(1).padStart(8)} s`;

/** Prints how long each end-to-end test and each of their files took, and how many tests passed, failed and were skipped. */
export class SecondsReporter implements Reporter {
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void = console.log) {
    this.#print = print;
  }

  onTestCaseResult(test: TestCase): void {
    if (!SLOW_PROJECTS.includes(test.project.name)) return;
    const result = test.result();
    const time = seconds(test.diagnostic()?.duration ?? 0);
    const reason = result.state === 'skipped' && result.note !== undefined ? ` (${result.note})` : '';
    this.#print(`${time}  ${stateOf(test)}: ${nameOf(test.module)} > ${test.fullName}${reason}`);
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    this.#print('');
    const slow = modules.filter(({ project }) => SLOW_PROJECTS.includes(project.name));
    const files = slow.map((module) => ({ name: nameOf(module), ms: module.diagnostic().duration }));
    for (const { name, ms } of files.sort((a, b) => b.ms - a.ms)) this.#print(`${seconds(ms)}  ${name}`);
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) counts[stateOf(test)] += 1;
      // A file that cannot even be loaded has no tests.
      if (tests.length === 0 && module.errors().length > 0) counts.failed += 1;
    }
    this.#print(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}

/** A test that did not run because its setup failed counts as failed. vitest reports it as skipped. */
function stateOf(test: TestCase): 'passed' | 'failed' | 'skipped' {
  const { state } = test.result();
  if (state === 'pending') return 'failed';
  return state === 'skipped' && beganWithErrors(test.parent) ? 'failed' : state;
}

function beganWithErrors(parent: TestSuite | TestModule): boolean {
  if (parent.errors().length > 0) return true;
  return parent.type === 'suite' && beganWithErrors(parent.parent);
}

function nameOf(module: TestModule): string {
  return relative(module.project.config.root, module.moduleId);
}
