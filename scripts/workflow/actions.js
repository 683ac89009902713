// The actions that our workflows use, as this machine performs them.
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { download, upload } from './files.js';

const NOTHING = () => {};

/** Name -> inputs that it accepts, and what it does here. */
export const ACTIONS = {
  'actions/checkout': {
    inputs: ['repository', 'ref', 'path', 'persist-credentials'],
    perform: checkout,
  },
  // This machine has Node.js, a Docker engine, a builder and QEMU, and no cache of GitHub Actions.
  'actions/setup-node': { inputs: ['node-version', 'package-manager-cache'], perform: NOTHING },
  'docker/setup-buildx-action': { inputs: [], perform: NOTHING },
  'docker/setup-qemu-action': { inputs: ['platforms'], perform: NOTHING },
  'crazy-max/ghaction-github-runtime': { inputs: [], perform: NOTHING },
  // Nothing is published to a cloud from here.
  'aws-actions/configure-aws-credentials': { inputs: ['role-to-assume', 'aws-region'], perform: refuse },
  'google-github-actions/auth': {
    inputs: ['workload_identity_provider', 'service_account'],
    perform: refuse,
  },
  'actions/upload-artifact': {
    inputs: ['name', 'path', 'if-no-files-found', 'compression-level'],
    perform: (given, { workspace, artifacts }) =>
      upload(join(workspace, given.path), join(artifacts, given.name), given['if-no-files-found']),
  },
  'actions/download-artifact': {
    inputs: ['name', 'pattern', 'path'],
    perform: (given, { workspace, artifacts }) =>
      download(artifacts, { ...given, path: join(workspace, given.path) }),
  },
};

/** The project's files in the workspace, or turnbuild's in a folder of it. */
function checkout(given, { workspace, project, turnbuild, repository, workflow }) {
  const isProject = given.path === undefined;
  const wanted = isProject
    ? { repository, ref: undefined }
    : { repository: workflow.repository, ref: workflow.sha };
  if ((given.repository ?? repository) !== wanted.repository || given.ref !== wanted.ref)
    throw new Error(`this runner cannot check out ${given.repository} ${given.ref}`);
  if (isProject) project(workspace);
  else symlinkSync(turnbuild, join(workspace, given.path));
}

function refuse() {
  throw new Error('this runner has no credentials of a cloud');
}
