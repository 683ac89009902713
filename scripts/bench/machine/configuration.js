// @ts-check
// Measures how long a new image takes after one of its configuration files has changed.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from '../options.js';
import { alternate, run, sha256 } from './setup.js';

const FILE = 'docker/machine/rootfs/etc/sysctl.d/60-turn.conf';

/** @param {import('./setup.js').Setup} setup @returns {Promise<import('./table.js').Comparison>} */
export async function benchConfiguration({ arch, rounds, recipes, disk, image }) {
  let backlog = 1000;
  const change = async () => {
    const before = sha256(disk);
    backlog += 1;
    appendFileSync(join(recipes, FILE), `net.core.somaxconn = ${backlog}\n`);
    const ran = await run(process.execPath, image);
    if (sha256(disk) === before)
      throw new BenchError('The image has not changed', `${FILE} is no longer part of it?`);
    return ran;
  };
  return {
    title: `a changed configuration file, ${arch}`,
    sides: await alternate(rounds, { '`turnbuild image --no-boot`': change }),
    goal: { seconds: 20 },
  };
}
