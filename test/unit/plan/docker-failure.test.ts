import { describe, expect, it } from 'vitest';
import { dockerFailure } from '../../../src/plan/docker-failure.ts';

/** Output of docker 28.2 and buildx 0.13. */
const SOCKET =
  'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Head "http://%2Fvar%2Frun%2Fdocker.sock/_ping": dial unix /var/run/docker.sock: connect: permission denied';
const ssh = (stderr: string) =>
  `error during connect: Head "http://docker.example.com/_ping": command [ssh -o ConnectTimeout=30 -l build -- farm docker system dial-stdio] has exited with exit status 255, please make sure the URL is valid, and Docker 18.09 or later is installed on the remote host: stderr=${stderr}\n`;

describe('dockerFailure', () => {
  it.each([
    [
      'a home folder that cannot be created',
      'ERROR: mkdir /nonexistent: permission denied',
      'DOCKER_UNAVAILABLE',
      /cannot create its folder \/nonexistent \(permission denied\)/,
      /DOCKER_CONFIG/,
    ],
    [
      'a socket that denies access',
      SOCKET,
      'DOCKER_REFUSED',
      /at unix:\/\/\/var\/run\/docker\.sock denies access/,
      /sudo usermod -aG docker/,
    ],
    [
      'an unnamed socket that denies access',
      'ERROR: permission denied while trying to connect to the Docker daemon socket',
      'DOCKER_REFUSED',
      /^The Docker engine denies access/,
      /sudo usermod -aG docker/,
    ],
    [
      'an SSH host that rejects the key',
      ssh('build@farm: Permission denied (publickey).'),
      'DOCKER_REFUSED',
      /at ssh:\/\/build@farm denies access: build@farm: Permission denied \(publickey\)/,
      /`ssh build@farm docker version`/,
    ],
    [
      'a host without an SSH server',
      ssh('ssh: connect to host farm port 22: Connection refused'),
      'DOCKER_UNAVAILABLE',
      /at ssh:\/\/build@farm does not answer: connect to host farm port 22: Connection refused/,
      /DOCKER_HOST/,
    ],
    [
      'an SSH host name that does not resolve',
      ssh('ssh: Could not resolve hostname farm: Name or service not known'),
      'DOCKER_UNAVAILABLE',
      /at ssh:\/\/build@farm does not answer: Could not resolve hostname farm/,
      /DOCKER_HOST/,
    ],
    [
      'an SSH host without a user in its address',
      ssh('ssh: Could not resolve hostname farm: Name or service not known').replace('-l build ', ''),
      'DOCKER_UNAVAILABLE',
      /at ssh:\/\/farm does not answer/,
      /`ssh farm docker version`/,
    ],
    [
      'a rootless socket that does not answer',
      'Cannot connect to the Docker daemon at unix:///run/user/1000/docker.sock. Is the docker daemon running?',
      'DOCKER_UNAVAILABLE',
      /at unix:\/\/\/run\/user\/1000\/docker\.sock does not answer$/,
      /DOCKER_HOST/,
    ],
    [
      'a TCP port that does not answer',
      'Cannot connect to the Docker daemon at tcp://192.0.2.1:2375. Is the docker daemon running?',
      'DOCKER_UNAVAILABLE',
      /at tcp:\/\/192\.0\.2\.1:2375 does not answer$/,
      /DOCKER_HOST/,
    ],
    [
      'a TCP host name that does not resolve',
      'error during connect: Head "http://farm.example:2375/_ping": dial tcp: lookup farm.example on 192.0.2.53:53: no such host',
      'DOCKER_UNAVAILABLE',
      /at tcp:\/\/farm\.example:2375 does not answer: no such host$/,
      /DOCKER_HOST/,
    ],
    [
      'an unreadable client file',
      'ERROR: open /home/me/.docker/buildx/current: permission denied',
      'DOCKER_UNAVAILABLE',
      /\/home\/me\/\.docker\/buildx\/current: permission denied/,
      /sudo/,
    ],
  ])('explains %s', (_, text, code, message, hint) => {
    const failure = dockerFailure(text);
    expect(failure).toMatchObject({ code, external: true });
    expect(failure.message).toMatch(message);
    expect(failure.hint).toMatch(hint);
  });

  it.each([
    [
      'a stopped local engine',
      'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
      'DOCKER_UNAVAILABLE',
    ],
    [
      'a missing buildx plugin',
      "docker: 'buildx' is not a docker command.\nSee 'docker --help'",
      'BUILDX_MISSING',
    ],
    ['an unrecognized message', 'the moon is full', 'DOCKER_UNAVAILABLE'],
  ])('suggests doctor --fix for %s', (_, text, code) => {
    expect(dockerFailure(text)).toMatchObject({
      code,
      external: false,
      hint: expect.stringMatching(/doctor --fix/),
    });
  });

  it.each([
    'the moon is full',
    // Without --builder, and with the host name that docker makes up for a connection through another program.
    'ERROR: no builder "farm" found',
    'ERROR: context deadline exceeded',
    'error during connect: Head "http://docker.example.com/_ping": EOF',
  ])('includes an unrecognized message verbatim: %s', (text) =>
    expect(dockerFailure(text).message).toBe(`No Docker engine is reachable\n${text}`),
  );

  it.each([
    ['ERROR: no builder "farm" found', 'BUILDER_UNKNOWN', /no buildx builder "farm"/],
    ['the moon is full', 'DOCKER_UNAVAILABLE', /^No Docker engine is reachable\nthe moon/],
    [
      '#1 [internal] waiting for connection\nERROR: context deadline exceeded',
      'DOCKER_UNAVAILABLE',
      /Builder farm does not/,
    ],
  ])('handles errors of a named builder: %s', (text, code, message) => {
    expect(dockerFailure(text, 'farm')).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
