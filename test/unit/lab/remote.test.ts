import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createAsk } from '../../../src/lab/remote.ts';

const LISTENING = { do: 'listening' } as const;
const agent = (script: string) =>
  spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });

describe('an agent', () => {
  it('answers requests, or says why it could not', async () => {
    const child = agent(`let asked = 0;
      process.on('message', ({ id }) => process.send(asked++ ? { id, error: 'no' } : { id, value: ['one'] }));`);
    const ask = createAsk(child);
    expect(await ask(LISTENING)).toEqual(['one']);
    await expect(ask(LISTENING)).rejects.toThrow('no');
    child.kill();
  });

  it('that exits during a request fails it', async () => {
    const ask = createAsk(agent("process.on('message', () => process.exit(3))"));
    await expect(ask(LISTENING)).rejects.toThrow('an agent exited with 3');
  });

  it('that has exited before fails the request instead of ending the laboratory', async () => {
    const child = agent('process.exit(0)');
    const ask = createAsk(child);
    await once(child, 'exit');
    await expect(ask(LISTENING)).rejects.toThrow('an agent exited with 0');
  });

  it('that is about to exit fails the request with the signal', async () => {
    const child = agent('process.disconnect(); setTimeout(() => {}, 60_000)');
    const ask = createAsk(child);
    await once(child, 'disconnect');
    const request = ask(LISTENING);
    child.kill('SIGKILL');
    await expect(request).rejects.toThrow('an agent exited with SIGKILL');
  });
});
