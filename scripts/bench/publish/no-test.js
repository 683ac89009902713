// Stands in for vitest where the simulators of test/support run outside of a test. They end with the process.
export function onTestFinished() {}
export function expect() {
  throw new Error('not in a test');
}
