// Preloaded into turnbuild by tests: kills the process when a file has been synchronised KILL_AT times, right after the disk has it.
import { open } from 'node:fs/promises';

const at = Number(process.env.KILL_AT);
const handle = await open(new URL(import.meta.url), 'r');
const prototype = Object.getPrototypeOf(handle);
await handle.close();

let count = 0;
for (const name of ['datasync', 'sync']) {
  const original = prototype[name];
  prototype[name] = async function (...args) {
    const result = await original.apply(this, args);
    count += 1;
    if (count === at) process.kill(process.pid, 'SIGKILL');
    return result;
  };
}
process.on('exit', () => {
  if (at === 0) process.stderr.write(`synchronised ${count} times\n`);
});
