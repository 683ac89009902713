import { expect } from 'vitest';
import type { Manifest } from '../../src/manifest/schema.ts';
import { checksOf, NATIVE, unpassed } from './e2e.ts';

/** Asserts that a package of coturn 4.6.1 passed every applicable check, and that its metrics match the traffic. */
export function expectVerified(manifest: Manifest, id: string): void {
  const checks = checksOf(manifest, id);
  expect(checks.size).toBeGreaterThan(25);
  // AddressSanitizer must run if it was compiled. coturn 4.6.1 cannot drain.
  const emulated = !id.endsWith(`:${NATIVE}`);
  expect(unpassed(checks), id).toEqual([
    ...(emulated ? ['packets.sanitizer cannot-here'] : []),
    'service.drain not-applicable',
  ]);
  // 1,000 messages over each of four transports, over IPv4 and IPv6, with Send and with channels.
  const { metrics } = manifest.steps.find((step) => step.id === id) ?? {};
  const packets = Number(metrics?.turn_total_traffic_peer_sentp);
  expect(packets).toBe(16_000);
  expect(metrics).toMatchObject({
    turn_total_traffic_peer_rcvp: packets,
    turn_total_traffic_peer_rcvb: packets * 100,
  });
}
