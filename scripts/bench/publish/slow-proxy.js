// @ts-check
// A proxy that answers late, and counts what passes through it.
import { createServer, request as send } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** @typedef {'list' | 'read' | 'write' | 'delete' | 'lock'} Kind */

/**
 * What was sent to a service.
 * @typedef {object} Traffic
 * @property {Record<Kind, number>} requests
 * @property {number} sent bytes of bodies
 * @property {number} received bytes of bodies
 */

/** @returns {Traffic} */
const nothing = () => ({
  requests: { list: 0, read: 0, write: 0, delete: 0, lock: 0 },
  sent: 0,
  received: 0,
});

/** @param {import('node:http').IncomingMessage} request @param {Buffer} body @returns {Kind} */
function kindOf({ method, url = '' }, body) {
  if (
    /\/\.lock\b|%2F\.lock\b/.test(url) ||
    /"name":"[^"]*\.lock/.test(body.subarray(0, 1024).toString('latin1'))
  )
    return 'lock';
  if (method === 'DELETE') return 'delete';
  if (method === 'PUT' || method === 'POST') return 'write';
  return /[?&](?:list-type|prefix)=/.test(url) ? 'list' : 'read';
}

/** Serves another server with a latency. @param {string} target its URL */
export async function slowProxy(target) {
  let traffic = nothing();
  let latencyMs = 0;
  const { hostname, port } = new URL(target);
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    traffic.requests[kindOf(request, body)] += 1;
    traffic.sent += body.length;
    await pause(latencyMs);
    const { method, url, headers } = request;
    const forwarded = send({ hostname, port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('data', (chunk) => {
        traffic.received += chunk.length;
      });
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    forwarded.end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** Counts from now on. @param {number} latency milliseconds until each answer */
    start(latency) {
      traffic = nothing();
      latencyMs = latency;
    },
    traffic: () => traffic,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
