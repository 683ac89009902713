import { get, Agent as HttpAgent } from 'node:http';

// The server decides when it answers and how much: one that stays silent, or never ends, must not hold the laboratory.

/** What is waited for, and read. */
export interface ScrapeLimits {
  /** Milliseconds for a whole response. Under QEMU, and beside ten other servers, one takes seconds. */
  responseMs: number;
  /** Milliseconds for many scrapes; 10,000 take 7 s natively, and 15 s under QEMU. */
  allMs: number;
  /** Of a response; real ones have a thousandth of it. */
  bytes: number;
}

const LIMITS: ScrapeLimits = { responseMs: 60_000, allMs: 600_000, bytes: 64 << 20 };

/** One scrape in so many has a connection of its own, as health checks have. */
const OWN_CONNECTION_EVERY = 10;

/** The text of a page. @throws Error if it isn't answered with 200, whole and in time */
export async function scrapeOnce(url: string, limits = LIMITS): Promise<string> {
  const { status, body } = await request(url, undefined, limits);
  if (status !== 200) throw new Error(`status ${status}`);
  return Buffer.concat(body).toString();
}

/**
 * Scrapes one after the other; returns how many were answered with 200. The first that is not answered in time is the last one: a server
 * that has fallen silent would take days.
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
