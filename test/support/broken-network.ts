import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { serve } from './http-server.ts';
import { proxy } from './proxy.ts';
import { temporaryFolder } from './sandbox.ts';

/** A network between turnbuild and a service that does not work. */
export interface BrokenNetwork {
  /** Where the service seems to be. */
  url: string;
  /** How turnbuild must call that place in its error. */
  host: string;
  env: Record<string, string>;
  /** What the error must say. */
  says: RegExp;
}

const PORTAL = '<!DOCTYPE html>\n<html><head><title>Guest network</title></head><body>Log in</body></html>\n';

/** The ways in which a network can be broken. */
export const BROKEN_NETWORKS: Readonly<Record<string, () => Promise<BrokenNetwork>>> = {
  'nothing listens': async () => {
    const server = createServer();
    const found = await listening(server, /connection was refused/);
    server.close();
    return found;
  },
  'the name is unknown': async () => ({
    url: 'https://service.invalid',
    host: 'service.invalid',
    env: {},
    says: /name lookup failed/,
  }),
  'no answer comes': () =>
    listening(
      createServer((socket) => socket.on('error', () => {}).resume()),
      /no answer arrived in time/,
    ),
  'each connection is cut': () =>
    listening(
      createServer((socket) => socket.destroy()),
      /connection was lost/,
    ),
  'the answer is not HTTP': () =>
    listening(
      createServer((socket) => socket.end('220 mail.example.org\r\n')),
      /another kind of server/,
    ),
  'a proxy refuses': async () => {
    const { address } = await proxy({ hosts: {}, status: 403 });
    const env = { http_proxy: `http://${address}`, https_proxy: `http://${address}` };
    return {
      url: 'https://service.invalid',
      host: address,
      env,
      says: /proxy .*refused.*\(403\)[\s\S]*NO_PROXY/,
    };
  },
  'a proxy needs a password': async () => {
    const { address } = await proxy({ hosts: {}, login: 'user:right' });
    const login = `http://user:pr0xyPassw0rd@${address}`;
    return {
      url: 'https://service.invalid',
      host: address,
      env: { http_proxy: login, https_proxy: login },
      says: /proxy .*requires a user name and password/,
    };
  },
  'a portal shows its page': async () => {
    const { url } = await serve((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/html' }).end(PORTAL);
    });
    return { url, host: new URL(url).host, env: {}, says: /web page[\s\S]*login page of the network/ };
  },
  'a portal redirects': async () => {
    const { url } = await serve((request, response) => {
      request.resume();
      response.writeHead(302, { location: 'https://login.invalid/?from=here' }).end(PORTAL);
    });
    return {
      url,
      host: new URL(url).host,
      env: {},
      says: /(?:web page|leads to https:\/\/login.invalid)[\s\S]*login page of the network/,
    };
  },
  'the certificate is unknown': () =>
    secure(-1, 365, false, /certificate is not trusted[\s\S]*NODE_EXTRA_CA_CERTS/),
  'the certificate has expired': () =>
    secure(-365, -1, true, /certificate has expired, or this machine's clock is fast[\s\S]*clock/),
  'the certificate is not valid yet': () =>
    secure(1, 365, true, /certificate is not valid yet, or this machine's clock is slow[\s\S]*clock/),
};

async function listening(server: Server, says: RegExp): Promise<BrokenNetwork> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: `http://${host}`, host, env: {}, says };
}

/** An https server. @param from, to days from now @param isKnown its certificate is one of the machine's authorities */
async function secure(from: number, to: number, isKnown: boolean, says: RegExp): Promise<BrokenNetwork> {
  const { key, certificate } = selfSigned(from, to);
  const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(certificate) });
  const { url, host } = await listening(server as unknown as Server, says);
  return {
    url: url.replace('http:', 'https:'),
    host,
    says,
    env: isKnown ? { NODE_EXTRA_CA_CERTS: certificate } : {},
  };
}

/** A certificate of its own authority. @param from, to days from now @param names for which it is */
export function selfSigned(
  from: number,
  to: number,
  names: readonly string[] = ['IP:127.0.0.1'],
): { key: string; certificate: string } {
  const dir = temporaryFolder();
  mkdirSync(join(dir, 'new'));
  const at = (days: number) =>
    new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, '');
  writeFileSync(join(dir, 'index.txt'), '');
  writeFileSync(
    join(dir, 'ca.conf'),
    `[ca]
default_ca = own
[own]
database = ${dir}/index.txt
new_certs_dir = ${dir}/new
default_md = sha256
policy = any
x509_extensions = server
rand_serial = yes
[any]
commonName = supplied
[server]
subjectAltName = ${names.join(',')}
basicConstraints = CA:TRUE
[req]
distinguished_name = name
[name]
`,
  );
  const openssl = (args: readonly string[]) =>
    execFileSync('openssl', args, {
      cwd: dir,
      stdio: 'pipe',
      env: { ...process.env, OPENSSL_CONF: join(dir, 'ca.conf') },
    });
  openssl([
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'key.pem',
    '-out',
    'request.pem',
    '-subj',
    '/CN=test',
  ]);
  openssl([
    ...['ca', '-batch', '-selfsign', '-config', 'ca.conf', '-keyfile', 'key.pem', '-in', 'request.pem'],
    ...['-out', 'certificate.pem', '-notext', '-startdate', at(from), '-enddate', at(to)],
  ]);
  return { key: join(dir, 'key.pem'), certificate: join(dir, 'certificate.pem') };
}
