import { type Check, complaints } from './check.ts';
import { labCheck } from './lab-check.ts';

/** Allocations with an even port at least: one lost port in a hundred would show. */
const EVEN_PORT_CYCLES = 2000;
/** Milliseconds in which a request that can't be served has to be refused. */
const REFUSAL_MS = 1000;

/** How many allocations a relay range serves, and whether it does so again and again. */
export const capacityChecks: Check[] = [
  labCheck({
    id: 'capacity.ports',
    title:
      'A relay range serves one allocation for each port, again and again, and one for each pair of ports',
    reason:
      'Capacity is planned by this formula. A port that is not given back is lost until the server is restarted.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8656#section-7.2',
    scenarios: ['capacity'],
    judge: ({ capacity }) => {
      const { ports, cycles, pairs, claimed, perAllocation } = capacity;
      const found = cycles.flatMap(({ served, refused, refusedMs }, index) => [
        ...(served === ports ? [] : [`round ${index + 1}: ${served} allocations from ${ports} ports`]),
        ...(refused === '508' ? [] : [`round ${index + 1}: one more was answered ${refused}, not 508`]),
        ...(refusedMs < REFUSAL_MS ? [] : [`round ${index + 1}: the refusal took ${refusedMs} ms`]),
      ]);
      if (cycles.length < 3) found.push(`${cycles.length} rounds, not 3`);
      const halves = Math.floor(ports / 2);
      if (pairs !== halves) found.push(`${pairs} allocations of two ports, not ${halves}`);
      if (claimed !== pairs) found.push(`${claimed} of ${pairs} second ports were given for their tokens`);
      return complaints(found, `${ports} allocations from ${ports} ports, three times; ${pairs} by pairs`, {
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
    title: 'Allocations with an even port give it back',
    reason:
      'RTP clients ask for even ports. A port that is lost with each of them empties the pool within hours of production.',
    reference: 'https://nvd.nist.gov/vuln/detail/CVE-2026-73215',
    advisories: ({ lab }) =>
      lab !== undefined &&
      lab.evenPort.cycles >= EVEN_PORT_CYCLES &&
      lab.evenPort.servedAfterwards < lab.evenPort.ports &&
      // Affected versions give pairs of ports back.
      lab.capacity.afterPairs === lab.capacity.ports
        ? ['CVE-2026-73215']
        : [],
    scenarios: ['even-port', 'capacity'],
    judge: ({ evenPort: { cycles, granted, refused, ports, servedAfterwards }, capacity }) => {
      const found: string[] = [];
      if (cycles < EVEN_PORT_CYCLES) found.push(`${cycles} were tried, not ${EVEN_PORT_CYCLES}`);
      if (granted !== cycles)
        found.push(`${granted} of ${cycles} were granted, others answered ${refused.join(', ')}`);
      if (servedAfterwards !== ports)
        found.push(`${ports - servedAfterwards} of ${ports} ports are lost after ${granted} allocations`);
      const lost = capacity.ports - capacity.afterPairs;
      if (lost !== 0)
        found.push(`${lost} of ${capacity.ports} ports are lost after ${capacity.pairs} pairs of ports`);
      return complaints(
        found,
        `${cycles} allocations, ${ports} ports before and after; ${capacity.ports} after ${capacity.pairs} pairs`,
        { cycles, ports, 'ports afterwards': servedAfterwards },
      );
    },
  }),
];
