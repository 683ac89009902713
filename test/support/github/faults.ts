import { expect } from 'vitest';
import { publishingHere } from './here.ts';
import type { Fault } from './simulator.ts';

const LIMIT = {
  status: 403,
  message: 'You have exceeded a secondary rate limit.',
  headers: { 'retry-after': '60' },
};
/** The requests of a publication. */
const REQUESTS = [
  ...['GET repository', 'GET releases', 'GET latest', 'GET release', 'GET assets'],
  ...['POST release', 'POST upload', 'PATCH release'],
];
const hows = (): Fault['how'][] => [
  { status: 500 },
  { status: 502, after: true },
  'reset before',
  'reset after',
  'silence',
  'silence after',
  LIMIT,
  { ...LIMIT, status: 429 },
  {
    status: 403,
    message: 'API rate limit exceeded',
    headers: {
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + 30),
    },
  },
];

/** Every way in which a request of a publication can fail once. */
export function allFaults(): Fault[] {
  return [
    ...REQUESTS.flatMap((on) => hows().map((how) => ({ on, how }))),
    { on: 'POST upload', nth: 2, how: 'reset halfway' },
    { on: 'POST upload', nth: 2, how: 'damage' },
    // Another run has created the draft or the release since.
    { on: 'PATCH release', how: { status: 409, message: 'Conflict' } },
  ];
}

/**
 * Publishes once for each fault, and expects the end state of an undisturbed run.
 * @returns the faults after which a second run was needed
 */
export async function surviveFaults(faults: readonly Fault[]): Promise<string[]> {
  const undisturbed = await publishingHere();
  await undisturbed.publish('4.18.0', 'stable');
  const wanted = undisturbed.github.repository.summary();
  const again: string[] = [];
  for (const fault of faults) {
    const { github, publish } = await publishingHere();
    const what = `${fault.on}: ${JSON.stringify(fault.how)}`;
    const count = github.fail(fault);
    await publish('4.18.0', 'stable').catch(async (error: Error) => {
      again.push(`${what}: ${error.message}`);
      await publish('4.18.0', 'stable');
    });
    expect(count(), what).toBe(1);
    expect(github.repository.summary(), what).toEqual(wanted);
  }
  console.log(
    `injected ${faults.length}, survived ${faults.length}, ${again.length} of them by a second run`,
  );
  return again;
}
