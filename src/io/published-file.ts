import { setTimeout as pause } from 'node:timers/promises';
import pRetry from 'p-retry';
import { messageOf, TurnbuildError } from '../errors.ts';
import { Retryable, refusal } from './download-refusal.ts';
import { fetch, ProxyError } from './fetch.ts';
import { shownUrl } from './shown-url.ts';

const STALL_MS = 30_000;

/**
 * Reads a file of a repository over HTTP. Undefined: there is none. A bucket whose readers cannot list it answers 403 for a missing file
 * (Amazon S3, GetObject).
 * @throws DOWNLOAD_FAILED, PROXY_FAILED, INTERRUPTED
 */
export async function readPublished(
  url: string,
  { maxBytes, signal, retries = 4, backoffMs = 500 }: Readonly<Limits>,
): Promise<Buffer | undefined> {
  try {
    return await pRetry(() => readOnce(url, maxBytes, signal), {
      retries,
      minTimeout: backoffMs,
      randomize: true,
      signal,
      shouldRetry: async ({ error }) => {
        if (!(error instanceof Retryable)) return false;
        await pause(error.waitMs, undefined, { signal });
        return true;
      },
    });
  } catch (error) {
    if (signal.aborted) throw new TurnbuildError('INTERRUPTED', 'Interrupted.');
    if (error instanceof TurnbuildError) throw error;
    throw failed(url, messageOf(error), error);
  }
}

interface Limits {
  maxBytes: number;
  signal: AbortSignal;
  /** Maximum retries. */
  retries?: number;
  /** First pause in milliseconds. */
  backoffMs?: number;
}

async function readOnce(url: string, maxBytes: number, signal: AbortSignal): Promise<Buffer | undefined> {
  let response: Response;
  try {
    response = await fetch(url, { signal, redirect: 'follow' }, { stallMs: STALL_MS });
  } catch (error) {
    if (signal.aborted || (error instanceof ProxyError && !error.retryable)) throw error;
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new Retryable(messageOf(cause), 0, error);
  }
  if (response.status === 403 || response.status === 404) {
    await response.body?.cancel();
    return undefined;
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw refusal({ url }, response);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body = (response.body ?? []) as AsyncIterable<Uint8Array>;
  const reading = async () => {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > maxBytes) throw failed(url, `it has more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
  };
  await reading().catch((error: unknown) => {
    if (error instanceof TurnbuildError || signal.aborted) throw error;
    throw new Retryable(messageOf(error), 0, error);
  });
  return Buffer.concat(chunks);
}

function failed(url: string, why: string, cause?: unknown): TurnbuildError {
  return new TurnbuildError('DOWNLOAD_FAILED', `${shownUrl(url)} could not be read: ${why}`, {
    cause,
    hint: 'Check --url and the network.',
  });
}
