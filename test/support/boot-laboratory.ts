import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { baseContext, readTarget } from '../../scripts/bench/images.js';
import type { MachineFacts, MachineSettings } from '../../src/lab/machine/facts.ts';
import { MACHINE_FOLDER } from '../../src/lab/machine/vm.ts';
import type { Command } from '../../src/plan/command.ts';
import {
  copyFromLabCommand,
  copyToLabCommand,
  createBootCommand,
  LAB_PATHS,
  removeLabCommands,
  startLabCommand,
} from '../../src/plan/lab.ts';
import { platformOf } from '../../src/plan/platforms.ts';
import { ROOT } from './e2e.ts';

const run = promisify(execFile);
const perform = ({ file, args }: Command) => run(file, [...args], { maxBuffer: 1 << 26 });

/**
 * Boots an image of the native architecture in the laboratory of `turnbuild image`, with settings of the caller.
 * @param dir folder for what was seen
 * @param image path of the image
 * @param space bytes of the file system that the machine's volume is on, to limit it
 * @throws Error with what the laboratory printed
 */
export async function bootImage(
  dir: string,
  image: string,
  settings: Omit<MachineSettings, 'image'>,
  space?: number,
): Promise<MachineFacts> {
  const lab = { name: `turnbuild-test-boot-${process.pid}` };
  const folder = join(ROOT, 'recipes/docker');
  const base = baseContext(readTarget('debian-13'), settings.arch);
  await run('docker', [
    ...['buildx', 'build', '--progress=quiet', '--provenance=false', '--target=boot'],
    ...[`--build-context=base=${base}`, `--build-arg=DEB_ARCH=${platformOf(settings.arch).debian}`],
    ...[`--output=type=docker,name=${lab.name}`, `--file=${folder}/machine.Dockerfile`, folder],
  ]);
  const inputs = join(dir, 'inputs');
  const out = join(dir, 'out');
  for (const each of [inputs, out]) mkdirSync(each, { recursive: true });
  const machine: MachineSettings = { ...settings, image: `${LAB_PATHS.inputs}/${basename(image)}` };
  writeFileSync(join(inputs, 'machine.json'), JSON.stringify(machine));
  try {
    const { file, args } = createBootCommand(lab, `${hostname()}:${process.pid}`);
    const volume =
      space === undefined
        ? []
        : [`--mount=type=tmpfs,destination=${MACHINE_FOLDER},tmpfs-size=${space},tmpfs-mode=755`];
    await run(file, args.toSpliced(args.indexOf('create') + 1, 0, ...volume));
    await perform(copyToLabCommand(lab, `${inputs}/.`, LAB_PATHS.inputs));
    await perform(copyToLabCommand(lab, image, `${LAB_PATHS.inputs}/`));
    await perform(copyToLabCommand(lab, join(ROOT, 'lib/boot.mjs'), LAB_PATHS.program));
    console.log((await perform(startLabCommand(lab))).stdout);
    await perform(copyFromLabCommand(lab, `${LAB_PATHS.results}/.`, out));
  } finally {
    for (const command of removeLabCommands(lab)) await perform(command).catch(() => {});
  }
  return JSON.parse(readFileSync(join(out, 'machine.json'), 'utf8')) as MachineFacts;
}
