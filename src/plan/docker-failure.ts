/** Why Docker cannot be used, for messages. */
export interface DockerFailure {
  code: 'DOCKER_REFUSED' | 'DOCKER_UNAVAILABLE' | 'BUILDX_MISSING' | 'BUILDER_UNKNOWN';
  message: string;
  hint: string;
  /** Installing or starting something on this machine would not help. */
  external: boolean;
}

/** The hint if a part of Docker is missing on this machine. */
export const DOCTOR_HINT =
  'Run `turnbuild doctor` to see what is missing, `turnbuild doctor --fix` to install it.';
/** The default engine of this machine. */
const LOCAL_SOCKET = /^unix:\/\/(\/var)?\/run\/docker\.sock$/;

/**
 * Interprets the output of a Docker client that can't reach its engine or builder. `docker buildx inspect` prints it as a line `Error:` of
 * a builder without platforms, and exits with 0.
 * @param text standard error and output
 * @param builder name of the requested builder
 */
export function dockerFailure(text: string, builder?: string): DockerFailure {
  const endpoint = endpointIn(text);
  const where = endpoint === undefined ? '' : ` at ${endpoint}`;
  if (/is not a docker command|unknown command: docker buildx|unknown flag: --bootstrap/.test(text))
    return failure('BUILDX_MISSING', "Docker's plugin buildx is not installed", DOCTOR_HINT);
  if (builder !== undefined && /no builder|existing instance for/i.test(text))
    return external('BUILDER_UNKNOWN', `There is no buildx builder "${builder}"`, 'See `docker buildx ls`.');
  const ssh = /stderr=(?:ssh: )?(.+)/.exec(text)?.[1];
  if (endpoint?.startsWith('ssh://')) {
    const refused = /permission denied|host key verification failed/i.test(ssh ?? '');
    return external(
      refused ? 'DOCKER_REFUSED' : 'DOCKER_UNAVAILABLE',
      `The Docker engine${where} ${refused ? 'denies access' : 'does not answer'}: ${ssh ?? text}`,
      `\`ssh ${endpoint.slice('ssh://'.length)} docker version\` must work without a prompt. ${CHOSEN}`,
    );
  }
  if (/permission denied[^\n]*docker daemon|dial unix [^\n]*permission denied/i.test(text)) {
    return external(
      'DOCKER_REFUSED',
      `The Docker engine${where} denies access to this user`,
      'Join the group that owns the socket (`sudo usermod -aG docker $USER`, then log in again), or use sudo.',
    );
  }
  const folder = /mkdir (\S+): (permission denied|read-only file system|not a directory)/.exec(text);
  if (folder !== null)
    return external(
      'DOCKER_UNAVAILABLE',
      `Docker's client cannot create its folder ${folder[1]} (${folder[2]})`,
      'Set DOCKER_CONFIG or HOME to a folder that this user can write.',
    );
  const file = /open (\S+): permission denied/.exec(text)?.[1];
  if (file !== undefined)
    return external(
      'DOCKER_UNAVAILABLE',
      `Cannot read Docker's configuration: ${file}: permission denied`,
      'A command run with sudo may have created it: make this user its owner again.',
    );
  if (builder !== undefined && /deadline exceeded|waiting for connection/i.test(text))
    return external(
      'DOCKER_UNAVAILABLE',
      `Builder ${builder} does not answer\n${text}`,
      `Check its nodes with \`docker buildx inspect ${builder}\`.`,
    );
  const cause = /dial tcp: lookup \S+?(?: on \S+)?: (.+)/.exec(text)?.[1];
  if (endpoint !== undefined && !LOCAL_SOCKET.test(endpoint))
    return external(
      'DOCKER_UNAVAILABLE',
      `The Docker engine${where} does not answer${cause === undefined ? '' : `: ${cause}`}`,
      CHOSEN,
    );
  return failure('DOCKER_UNAVAILABLE', `No Docker engine is reachable\n${text}`, DOCTOR_HINT);
}

const CHOSEN = 'DOCKER_HOST or `docker context use` selects it: start that engine, or select another one.';

/** The engine's address: `unix:///var/run/docker.sock`, `tcp://HOST:2375`, `ssh://USER@HOST`. */
function endpointIn(text: string): string | undefined {
  const named = /(?:daemon(?: socket)?|engine) at ((?:unix|tcp|npipe|ssh):\/\/\S+?)[.:]?(?:\s|$)/.exec(
    text,
  )?.[1];
  if (named !== undefined) return named;
  const [, user, host] = /command \[ssh (?:[^\]]*?-l (\S+) )?[^\]]*?-- (\S+) docker/.exec(text) ?? [];
  if (host !== undefined) return `ssh://${user === undefined ? '' : `${user}@`}${host}`;
  const request = /"https?:\/\/([^/"%]+)\//.exec(text)?.[1];
  return request === undefined || request === 'docker.example.com' ? undefined : `tcp://${request}`;
}

type Words = [code: DockerFailure['code'], message: string, hint: string];

function failure(...[code, message, hint]: Words): DockerFailure {
  return { code, message, hint, external: false };
}

function external(...words: Words): DockerFailure {
  return { ...failure(...words), external: true };
}
