import { get, Agent as HttpAgent } from 'node:http';

// A server may never answer or send an endless response; neither must block the laboratory.

export interface ScrapeLimits {
  /** Timeout in milliseconds for a whole response. With ten other servers under QEMU, one takes seconds. */
  responseMs: number;
  /** Timeout in milliseconds for many scrapes. 10,000 take 7 s natively and 15 s under QEMU. */
  allMs: number;
  /** Maximum response size. Real responses are a thousand times smaller. */
  bytes: number;
}

const LIMITS: ScrapeLimits = { responseMs: 60_000, allMs: 600_000, bytes: 64 << 20 };

/** Every tenth scrape opens a new connection, as health checks do. */
const OWN_CONNECTION_EVERY = 10;

/** Fetches a page. @throws Error unless a complete response with status 200 arrives in time */
export async function scrapeOnce(url: string, limits = LIMITS): Promise<string> {
  const { status, body } = await request(url, undefined, limits);
  if (status !== 200) throw new Error(`status ${status}`);
  return Buffer.concat(body).toString();
}

/**
 * Scrapes sequentially and returns the number of responses with status 200. Stops at the first timeout, because waiting for all scrapes
 * of a silent server would take days.
 */
export async function scrapeMany(url: string, times: number, limits = LIMITS): Promise<number> {
  const kept = new HttpAgent({ keepAlive: true, maxSockets: 1 });
  const end = Date.now() + limits.allMs;
  let succeeded = 0;
  try {
    for (let i = 0; i < times && Date.now() < end; i++) {
      const { status } = await request(url, i % OWN_CONNECTION_EVERY === 0 ? undefined : kept, limits).catch(
        failed,
      );
      if (status === 200) succeeded += 1;
    }
  } catch (error) {
    if (!(error instanceof TooLate)) throw error;
  } finally {
    kept.destroy();
  }
  return succeeded;
}

class TooLate extends Error {}

function failed(error: unknown): { status: undefined } {
  if (error instanceof TooLate) throw error;
  return { status: undefined };
}

function request(
  url: string,
  agent: HttpAgent | undefined,
  { responseMs, bytes }: ScrapeLimits,
): Promise<{ status: number | undefined; body: Buffer[] }> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { agent: agent ?? false }, (response) => {
      const body: Buffer[] = [];
      let left = bytes;
      response.on('data', (chunk: Buffer) => {
        left -= chunk.length;
        body.push(chunk);
        if (left >= 0) return;
        reject(new Error(`more than ${bytes} bytes`));
        asked.destroy();
      });
      response.once('end', () => {
        if (response.complete) resolve({ status: response.statusCode, body });
      });
      response.once('error', reject);
    });
    const timer = setTimeout(
      () => asked.destroy(new TooLate(`no answer within ${responseMs / 1000} s`)),
      responseMs,
    );
    asked.once('error', reject);
    asked.once('close', () => {
      clearTimeout(timer);
      reject(new Error('the connection was closed'));
    });
  });
}
