import { execFile } from 'node:child_process';
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FaultRule, ServiceName } from '../../src/lab/cloud/behaviour.ts';
import { createLiveCloud } from '../../src/lab/cloud/live.ts';
import { createRequestLog } from '../../src/lab/cloud/requests.ts';
import { cloudListener, serve } from '../../src/lab/cloud/serve.ts';
import type { CloudState } from '../../src/lab/cloud/state.ts';
import { AWS_MACHINE, CREDENTIALS, GCE_MACHINE } from '../support/cloud.ts';

const FOREVER = Date.UTC(2100, 0);
const AWS: CloudState = {
  cloud: 'aws',
  machine: { ...AWS_MACHINE, role: { name: 'turn', credentials: { ...CREDENTIALS, expires: FOREVER } } },
  secrets: {
    parameters: [{ name: '/turn/secret', type: 'SecureString', value: 'of the parameter', version: 1 }],
    secrets: [],
    refusals: {},
  },
  faults: [],
};
const GCE: CloudState = {
  cloud: 'gce',
  machine: GCE_MACHINE,
  secrets: { secrets: [], refusals: {} },
  faults: [],
};

async function start(state: CloudState, service: ServiceName = 'metadata') {
  const cloud = createLiveCloud(state);
  const log = createRequestLog();
  const { port, close } = await serve(cloudListener(cloud, service, log), { address: '127.0.0.1', port: 0 });
  onTestFinished(close);
  const misbehave = (...faults: FaultRule[]) => cloud.change((now) => ({ ...now, faults }) as CloudState);
  return { cloud, close, log, url: `http://127.0.0.1:${port}`, misbehave };
}

const TTL = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' };
const GOOGLE = { 'Metadata-Flavor': 'Google' };
const MAC = '/latest/meta-data/mac';

describe('a simulated cloud over HTTP', () => {
  it('is an EC2 metadata service, and records requests without secrets', async () => {
    const { log, url } = await start(AWS);
    expect((await fetch(`${url}${MAC}`)).status).toBe(401);
    const token = await (await fetch(`${url}/latest/api/token`, { method: 'PUT', headers: TTL })).text();
    const found = await fetch(`${url}${MAC}?a=b`, { headers: { 'X-aws-ec2-metadata-token': token } });
    expect([found.status, await found.text()]).toEqual([200, AWS_MACHINE.mac]);
    expect(log.all().map(({ method, path, query, status }) => [method, path, query, status])).toEqual([
      ['GET', MAC, [], 401],
      ['PUT', '/latest/api/token', [], 200],
      ['GET', MAC, ['a'], 200],
    ]);
    expect(log.all()[2]?.headers).toContain('x-aws-ec2-metadata-token');
    expect(JSON.stringify(log.all())).not.toContain(token);
  });

  it("checks curl's signatures", async () => {
    const { log, url } = await start(AWS, 'secrets');
    const call = async (secret: string) => {
      const { stdout } = await promisify(execFile)('curl', [
        ...['--silent', '--show-error', '--aws-sigv4', 'aws:amz:eu-central-1:ssm'],
        ...[
          '--user',
          `${CREDENTIALS.accessKeyId}:${secret}`,
          '--data',
          '{"Name":"/turn/secret","WithDecryption":true}',
        ],
        ...[
          '--header',
          'Host: ssm.eu-central-1.amazonaws.com',
          '--header',
          'X-Amz-Target: AmazonSSM.GetParameter',
        ],
        ...['--header', `X-Amz-Security-Token: ${CREDENTIALS.sessionToken}`],
        ...['--header', 'Content-Type: application/x-amz-json-1.1', url],
      ]);
      return JSON.parse(stdout);
    };
    expect(await call(CREDENTIALS.secretAccessKey)).toMatchObject({
      Parameter: { Value: 'of the parameter' },
    });
    expect(await call('wrong')).toMatchObject({ __type: 'InvalidSignatureException' });
    expect(log.all().map(({ service, target, status }) => [service, target, status])).toEqual([
      ['secrets', 'AmazonSSM.GetParameter', 200],
      ['secrets', 'AmazonSSM.GetParameter', 400],
    ]);
  });

  it('is a Compute Engine metadata server, whose changes clients can wait for', async () => {
    const { cloud, log, url } = await start(GCE);
    const address = `${url}/computeMetadata/v1/instance/network-interfaces/0/access-configs/0/external-ip`;
    expect((await fetch(address)).status).toBe(403);
    const first = await fetch(address, { headers: GOOGLE });
    expect(first.headers.get('metadata-flavor')).toBe('Google');
    const etag = first.headers.get('etag');
    const waiting = fetch(`${address}?wait_for_change=true&last_etag=${etag}`, { headers: GOOGLE });
    await expect.poll(() => log.all().length).toBe(3);
    expect(log.all()[2]?.status).toBeUndefined();
    cloud.change(() => ({ ...GCE, machine: { ...GCE_MACHINE, publicIpv4: '198.51.100.8' } }));
    expect(await (await waiting).text()).toBe('198.51.100.8');
    // fetch follows the redirect of a folder.
    const folder = await fetch(`${url}/computeMetadata/v1/instance?recursive=true`, { headers: GOOGLE });
    expect(await folder.json()).toMatchObject({ name: 'turn-1' });
    expect(log.all().at(-2)?.status).toBe(301);
  });

  it('does not finish requests of clients that hung up', async () => {
    const { cloud, log, url } = await start(GCE);
    const hangup = new AbortController();
    const path = '/computeMetadata/v1/instance/name?wait_for_change=true';
    const waiting = fetch(`${url}${path}`, { headers: GOOGLE, signal: hangup.signal });
    await expect.poll(() => log.all().length).toBe(1);
    hangup.abort();
    await expect(waiting).rejects.toThrow('aborted');
    // The server needs a moment to see that.
    await pause(100);
    cloud.change(() => ({ ...GCE, machine: { ...GCE_MACHINE, name: 'other' } }));
    expect((await fetch(`${url}/`)).status).toBe(200);
    expect(log.all().map(({ status }) => status)).toEqual([undefined, 200]);
  });
});

describe('a misbehaving cloud', () => {
  it('is slow, refuses, or says something else, and recovers', async () => {
    const { url, misbehave } = await start(GCE);
    const ask = async () => {
      const started = performance.now();
      const response = await fetch(`${url}/computeMetadata/v1/instance/name`, { headers: GOOGLE });
      return { status: response.status, text: await response.text(), ms: performance.now() - started };
    };
    misbehave({ service: 'metadata', fault: { do: 'delay', ms: 300 } });
    expect((await ask()).ms).toBeGreaterThanOrEqual(295);
    misbehave({ service: 'metadata', fault: { do: 'refuse', status: 403 } });
    expect((await ask()).status).toBe(403);
    misbehave({ service: 'metadata', fault: { do: 'garbage' } });
    expect((await ask()).text).toContain('<html>');
    misbehave({ service: 'metadata', path: '/name$', fault: { do: 'say', text: 'banana' } });
    expect((await ask()).text).toBe('banana');
    misbehave({ service: 'secrets', fault: { do: 'silence' } });
    expect((await ask()).text).toBe('turn-1');
    misbehave();
    expect(await ask()).toMatchObject({ status: 200, text: 'turn-1' });
  });

  it('refuses clients that wait as well', async () => {
    const { url, misbehave } = await start(GCE);
    misbehave({ service: 'metadata', fault: { do: 'refuse', status: 503 } });
    const path = '/computeMetadata/v1/instance/name?wait_for_change=true';
    expect((await fetch(`${url}${path}`, { headers: GOOGLE })).status).toBe(503);
  });

  it('is silent', async () => {
    const { log, url, misbehave } = await start(AWS);
    misbehave({ service: 'metadata', fault: { do: 'silence' } });
    const signal = AbortSignal.timeout(500);
    await expect(fetch(`${url}${MAC}`, { signal })).rejects.toThrow('timeout');
    expect(log.all().map(({ path, status }) => [path, status])).toEqual([[MAC, undefined]]);
  });

  it('ends the connections of clients that it has not answered, once it is silent no longer', async () => {
    const { log, url, misbehave } = await start(AWS);
    misbehave({ service: 'metadata', fault: { do: 'silence' } });
    let ended = false;
    const waiting = fetch(`${url}${MAC}`).catch((error: Error) => {
      ended = true;
      return error;
    });
    await expect.poll(() => log.all().length).toBe(1);
    misbehave({ service: 'metadata', path: '/mac$', fault: { do: 'silence' } });
    await pause(100);
    expect(ended).toBe(false);
    misbehave({ service: 'metadata', fault: { do: 'refuse', status: 403 } });
    expect(await waiting).toBeInstanceOf(Error);
    expect(log.all()[0]?.status).toBeUndefined();
  });

  it('stops although clients still wait', async () => {
    const { close, log, url, misbehave } = await start(AWS);
    misbehave({ service: 'metadata', fault: { do: 'silence' } });
    const waiting = expect(fetch(`${url}${MAC}`)).rejects.toThrow('fetch failed');
    await expect.poll(() => log.all().length).toBe(1);
    await close();
    await waiting;
  });

  it('fails to serve secrets', async () => {
    const { url, misbehave } = await start(AWS, 'secrets');
    misbehave({ service: 'secrets', fault: { do: 'refuse', status: 500 } });
    expect((await fetch(url, { method: 'POST' })).status).toBe(500);
  });
});

describe('a request that is too long', () => {
  it('is cut off', async () => {
    const { log, url } = await start(AWS, 'secrets');
    const failed = new Promise((_, reject) => {
      const client = request(url, { method: 'POST' }, () => reject(new Error('answered')));
      client.once('error', reject);
      client.end('x'.repeat(70_000));
    });
    await expect(failed).rejects.toThrow(/ECONNRESET|EPIPE|hang up/);
    expect(log.all()).toEqual([]);
  });
});
