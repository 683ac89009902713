import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { runAgent } from './agent.ts';
import { type Containment, contain } from './containment.ts';
import type { LabFacts, LabSettings } from './facts.ts';
import { isInstalled, readInstalled } from './installed.ts';
import { installedRoot } from './installed-root.ts';
import { createNetwork, enter, type Namespaces } from './network.ts';
import { NoNamespaces } from './no-namespaces.ts';
import { nothing } from './nothing.ts';
import { requireFiles, TooFewFiles } from './open-files.ts';
import { startAgent } from './remote.ts';
import { runScenarios } from './run.ts';

// Main program of the laboratory's container. Without a role, it creates the user and network namespaces and runs itself again in the
// client's namespace (role `client`). That process starts helpers in the other namespaces (role `agent`) and writes /out/lab.json.

const OUT = '/out';
/** If the package could not be installed, recipes/docker/attempt.sh writes the package manager's last output here. */
const NOT_INSTALLED = '/not-installed';

/** Reports an error in the format that turnbuild parses from a container's output. */
function abort(code: string, error: Error): never {
  process.stderr.write(`turnbuild-error: ${code}: ${error.message.replaceAll('\n', ' | ')}\n`);
  process.exit(1);
}

function readSettings(): LabSettings {
  return JSON.parse(readFileSync('/inputs/lab.json', 'utf8')) as LabSettings;
}

/** The namespaces created by the first process. */
interface Made {
  containment: Containment;
  namespaces: Namespaces;
}

async function inClientNamespace({ containment, namespaces }: Made): Promise<void> {
  const facts = isInstalled(NOT_INSTALLED)
    ? { ...nothing(), notInstalled: readInstalled(NOT_INSTALLED).trim() }
    : await tryAll({ containment, namespaces });
  mkdirSync(OUT, { recursive: true });
  writeFileSync(`${OUT}/lab.json`, JSON.stringify(facts, null, 1));
  process.exit(0);
}

async function tryAll({ containment, namespaces }: Made): Promise<LabFacts> {
  const settings = readSettings();
  const peer = startAgent(namespaces.peer);
  try {
    return await runScenarios(installedRoot(namespaces, containment, settings), peer, settings);
  } finally {
    peer.stop();
  }
}

const [, program = '', role, argument = ''] = process.argv;
try {
  if (role === 'agent') runAgent();
  else if (role === 'client') await inClientNamespace(JSON.parse(argument) as Made);
  else {
    requireFiles(readFileSync('/proc/self/limits', 'utf8'), readSettings().scale.ports);
    // Agents run this file as the user nobody, so everyone must be able to read it.
    chmodSync(program, 0o755);
    const containment = await contain();
    const namespaces = await createNetwork(containment);
    const made: Made = { containment, namespaces };
    const words = [process.execPath, program, 'client', JSON.stringify(made)];
    const [file = '', ...args] = [...enter(namespaces.client), ...words];
    process.exit(spawnSync(file, args, { stdio: 'inherit' }).status ?? 1);
  }
} catch (error) {
  if (error instanceof NoNamespaces || error instanceof TooFewFiles) abort(error.code, error);
  throw error;
}
