import { describe, expect, it } from 'vitest';
import type { GceMachine } from '../../../../src/lab/cloud/gce-machine.ts';
import { createLiveCloud } from '../../../../src/lab/cloud/live.ts';
import { answerMetadata, awaitMetadata } from '../../../../src/lab/cloud/metadata.ts';
import type { CloudState } from '../../../../src/lab/cloud/state.ts';
import { AWS_MACHINE, GCE_MACHINE, get, NOW, textOf } from '../../../support/cloud.ts';

const STATE: CloudState = {
  cloud: 'gce',
  machine: GCE_MACHINE,
  secrets: { secrets: [], refusals: {} },
  faults: [],
};
const ADDRESS = 'instance/network-interfaces/0/access-configs/0/external-ip';
const request = (path: string) => get(`/computeMetadata/v1/${path}`, { 'metadata-flavor': 'Google' });
const etag = (path: string) => String(answerMetadata(STATE, request(path), NOW).headers.etag);

function start() {
  const cloud = createLiveCloud(STATE);
  const hangup = new AbortController();
  const set = (values: Partial<GceMachine>) =>
    cloud.change((state) =>
      state.cloud === 'gce' ? { ...state, machine: { ...state.machine, ...values } } : state,
    );
  const ask = (path: string, now = () => NOW) => awaitMetadata(cloud, request(path), now, hangup.signal);
  return { cloud, hangup, set, ask };
}

/** Whether a promise is still pending after everything that can happen at once has happened. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  await new Promise((resolve) => setImmediate(resolve));
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
}

describe('a client that waits for a change', () => {
  it('is answered when the value changes, and not for other changes', async () => {
    const { set, ask } = start();
    const answer = ask(`${ADDRESS}?wait_for_change=true&last_etag=${etag(ADDRESS)}`);
    set({ name: 'other' });
    expect(await isPending(answer)).toBe(true);
    set({ publicIpv4: '198.51.100.8' });
    expect(textOf(await answer)).toBe('198.51.100.8');
  });

  it('waits from now on without an ETag', async () => {
    const { set, ask } = start();
    const answer = ask('?recursive=true&wait_for_change=true');
    expect(await isPending(answer)).toBe(true);
    set({ publicIpv4: '198.51.100.8' });
    expect(textOf(await answer)).toContain('198.51.100.8');
  });

  it('is answered at once if it knows another value, and without waiting', async () => {
    const { ask } = start();
    expect(textOf(await ask(`${ADDRESS}?wait_for_change=true&last_etag=NONE`))).toBe('198.51.100.7');
    expect(textOf(await ask(`${ADDRESS}?last_etag=${etag(ADDRESS)}`))).toBe('198.51.100.7');
  });

  it('is answered with the unchanged value after its timeout', async () => {
    const { ask } = start();
    const started = Date.now();
    const answer = await ask(`${ADDRESS}?wait_for_change=true&timeout_sec=1`, Date.now);
    expect([answer.status, textOf(answer)]).toEqual([200, '198.51.100.7']);
    expect(Date.now() - started).toBeGreaterThanOrEqual(990);
  });

  it('does not wait longer because of other changes', async () => {
    const { set, ask } = start();
    let now = NOW;
    const answer = ask(`${ADDRESS}?wait_for_change=true&timeout_sec=60`, () => now);
    now += 60_000;
    set({ name: 'other' });
    expect(textOf(await answer)).toBe('198.51.100.7');
  });

  it('is told when the value goes', async () => {
    const { cloud, ask } = start();
    const answer = ask(`${ADDRESS}?wait_for_change=true`);
    const { publicIpv4: _, ...machine } = GCE_MACHINE;
    cloud.change(() => ({ ...STATE, machine }) as CloudState);
    expect((await answer).status).toBe(404);
  });

  it('is not waited for after it has hung up', async () => {
    const { hangup, ask } = start();
    const answer = ask(`${ADDRESS}?wait_for_change=true`);
    hangup.abort();
    expect((await answer).status).toBe(200);
    expect((await ask(`${ADDRESS}?wait_for_change=true`)).status).toBe(200);
  });

  it.each([
    'nothing?wait_for_change=true',
    'instance/?wait_for_change=true',
    'instance?wait_for_change=true',
  ])('does not wait for an error: %s', async (path) =>
    expect((await start().ask(path)).status).toBeGreaterThan(300),
  );

  it('does not exist on EC2', async () => {
    const cloud = createLiveCloud({
      cloud: 'aws',
      machine: AWS_MACHINE,
      secrets: { parameters: [], secrets: [], refusals: {} },
      faults: [],
    });
    const { signal } = new AbortController();
    const put = get(
      '/latest/api/token?wait_for_change=true',
      { 'x-aws-ec2-metadata-token-ttl-seconds': '60' },
      'PUT',
    );
    expect((await awaitMetadata(cloud, put, () => NOW, signal)).status).toBe(200);
  });
});
