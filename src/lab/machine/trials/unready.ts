import { setTimeout as pause } from 'node:timers/promises';
import type { Fault } from '../../cloud/behaviour.ts';
import type { CloudState } from '../../cloud/state.ts';
import { MACHINE } from '../addresses.ts';
import type { UnreadyFacts } from '../facts.ts';
import { OWN_SECRET } from '../inside.ts';
import { type Laboratory, secondsSince } from '../laboratory.ts';
import type { Machine } from '../vm.ts';

/** Items of the private address, for a service that lies about it. */
const PRIVATE = { aws: 'meta-data/local-ipv4$', gce: 'network-interfaces/0/ip$' } as const;
/** A well-formed address that is not the machine's. */
const WRONG = '172.31.99.99';
/** How a metadata service misbehaves, one after the other. */
const PHASES: readonly { name: string; fault: Fault; onlyPrivate?: boolean }[] = [
  { name: 'silent', fault: { do: 'silence' } },
  { name: 'answers 403', fault: { do: 'refuse', status: 403 } },
  { name: 'answers with a web page', fault: { do: 'garbage' } },
  { name: 'gives a wrong address', fault: { do: 'say', text: WRONG }, onlyPrivate: true },
];
/** Milliseconds of each phase after the machine has asked, in which a wrong server would start. */
const PHASE_MS = 3000;
/** The service is slow until turnserver serves. */
const SLOW_MS = 700;
const ATTEMPT_MS = 100;

const withFault = (state: CloudState, fault: Fault, path?: string): CloudState => ({
  ...state,
  faults: [{ fault, service: 'metadata', ...(path === undefined ? {} : { path }) }],
});

/** Makes the metadata service silent before the machine is switched on. */
export function silenceMetadata({ cloud }: Laboratory): void {
  cloud.change((state) => withFault(state, { do: 'silence' }));
}

/**
 * Lets a machine boot whose metadata service misbehaves in several ways, and then answers slowly. The machine has no public address.
 * @param limitMs until it must have asked, and until it must serve
 */
export async function bootUnready(lab: Laboratory, machine: Machine, limitMs: number): Promise<UnreadyFacts> {
  const { cloud, neighbour, requests, settings } = lab;
  const answers = () => neighbour.binds('udp', MACHINE.private4, 3478);
  const phases: UnreadyFacts['phases'] = [];
  for (const { name, fault, onlyPrivate } of PHASES) {
    cloud.change((state) => withFault(state, fault, onlyPrivate ? PRIVATE[settings.cloud] : undefined));
    const before = requests.all().length;
    const asked = () => requests.all().length - before;
    for (const end = Date.now() + limitMs; asked() === 0 && Date.now() < end; ) await pause(ATTEMPT_MS);
    let answered = false;
    for (const end = Date.now() + PHASE_MS; Date.now() < end; ) {
      if (await answers()) answered = true;
      await pause(ATTEMPT_MS);
    }
    phases.push({ fault: name, requests: asked(), answered });
  }
  cloud.change((state) => withFault(state, { do: 'delay', ms: SLOW_MS }));
  const begin = Date.now();
  let serves = await answers();
  while (!serves && Date.now() - begin < limitMs) {
    await pause(ATTEMPT_MS);
    serves = await answers();
  }
  const recovered = serves ? { recovered: secondsSince(begin) } : {};
  cloud.change((state) => ({ ...state, faults: [] }));
  const journal = (await machine.probe.run('journalctl -b -u turn-agent -o cat --no-pager'))
    .trim()
    .split('\n');
  return { phases, ...recovered, journal };
}

/** The secret that the machine has generated, as an operator reads it. */
export async function readOwnSecret(machine: Machine): Promise<string> {
  return (await machine.probe.run(`cat ${OWN_SECRET}`)).trim();
}
