import { type Check, complaints } from './check.ts';
import { labCheck } from './lab-check.ts';

/** Minimum number of even-port allocations: enough to reveal a leak of one port per hundred allocations. */
const EVEN_PORT_CYCLES = 2000;
/** Maximum milliseconds until a request that can't be served is refused. */
const REFUSAL_MS = 1000;

/** How many allocations a relay range serves, and whether its ports are released. */
export const capacityChecks: Check[] = [
  labCheck({
    id: 'capacity.ports',
    title: 'Every port of the relay range is usable and reusable, singly and in pairs',
    reason: 'Capacity planning relies on it. A port that is not released is lost until the server restarts.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8656#section-7.2',
    scenarios: ['capacity'],
    judge: ({ capacity }) => {
      const { ports, cycles, pairs, claimed, perAllocation } = capacity;
      const found = cycles.flatMap(({ served, refused, refusedMs }, index) => [
        ...(served === ports ? [] : [`round ${index + 1}: ${served} allocations from ${ports} ports`]),
        ...(refused === '508'
          ? []
          : [`round ${index + 1}: one more was answered with ${refused} (expected 508)`]),
        ...(refusedMs < REFUSAL_MS ? [] : [`round ${index + 1}: the refusal took ${refusedMs} ms`]),
      ]);
      if (cycles.length < 3) found.push(`only ${cycles.length} rounds were run (at least 3 required)`);
      const halves = Math.floor(ports / 2);
      if (pairs !== halves) found.push(`${pairs} allocations of port pairs (expected ${halves})`);
      if (claimed !== pairs)
        found.push(`only ${claimed} of ${pairs} reservation tokens yielded the second port`);
      return complaints(found, `${ports} allocations from ${ports} ports, three times; ${pairs} pairs`, {
        ports,
        pairs,
        ...(perAllocation === undefined
          ? {}
          : {
              'files per allocation': perAllocation.files,
              'resident bytes per allocation': perAllocation.residentBytes,
            }),
      });
    },
  }),
  labCheck({
    id: 'capacity.even-port',
    title: 'Allocations with an even port release it',
    reason:
      'RTP clients request even ports. Losing a port with each allocation exhausts the range within hours in production.',
    reference: 'https://nvd.nist.gov/vuln/detail/CVE-2026-73215',
    advisories: ({ lab }) =>
      lab !== undefined &&
      lab.evenPort.cycles >= EVEN_PORT_CYCLES &&
      lab.evenPort.servedAfterwards < lab.evenPort.ports &&
      // Affected versions leak single even ports, but release pairs of ports.
      lab.capacity.afterPairs === lab.capacity.ports
        ? ['CVE-2026-73215']
        : [],
    scenarios: ['even-port', 'capacity'],
    judge: ({ evenPort: { cycles, granted, refused, ports, servedAfterwards }, capacity }) => {
      const found: string[] = [];
      if (cycles < EVEN_PORT_CYCLES)
        found.push(`only ${cycles} allocations were tried (at least ${EVEN_PORT_CYCLES} required)`);
      if (granted !== cycles)
        found.push(
          `${granted} of ${cycles} were granted; the others were answered with ${refused.join(', ')}`,
        );
      if (servedAfterwards !== ports)
        found.push(`${ports - servedAfterwards} of ${ports} ports lost after ${granted} allocations`);
      const lost = capacity.ports - capacity.afterPairs;
      if (lost !== 0)
        found.push(`${lost} of ${capacity.ports} ports lost after ${capacity.pairs} pairs of ports`);
      return complaints(
        found,
        `${ports} ports before and after ${cycles} allocations; ${capacity.ports} after ${capacity.pairs} pairs`,
        { cycles, ports, 'ports afterwards': servedAfterwards },
      );
    },
  }),
];
