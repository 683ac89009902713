import type { MachineRelay, MoveFacts, TrialFacts, TrialName } from '../../lab/machine/facts.ts';
import { judgeForbidden } from '../abuse-checks.ts';
import { blocked, complaints, fail, notApplicable, type Verdict } from '../check.ts';
import { parseSamples } from '../facts.ts';
import { judgeSessions } from '../metrics-checks.ts';
import type { ImageFacts, MachineCheck } from './check.ts';

/** Judges what a trial saw. Without it, the check fails with the reason. */
export function seen<Name extends TrialName>(
  boot: number,
  name: Name,
  judge: (trial: NonNullable<TrialFacts[Name]>, facts: ImageFacts) => Verdict,
): MachineCheck['judge'] {
  return (facts) => {
    const { trials, problems } = facts.machine.boots[boot] ?? {};
    const trial = trials?.[name];
    if (trial !== undefined) return judge(trial, facts);
    return problems?.[name] === undefined
      ? blocked('machine.answers', 'the machine did not get that far')
      : fail(`the trial failed: ${problems[name]}`);
  };
}

/** Indexes of the boots. OTHER is the first boot of another volume, whose settings have quotas, but neither a certificate nor port 443. */
export const FIRST = 0;
const SECOND = 1;
export const OTHER = 2;
/** Messages of each session: src/lab/machine/laboratory.ts. */
export const MESSAGES = 100;

export const sessionOf = ({ transport, server, received, error }: MachineRelay) =>
  `${received} of ${MESSAGES} messages came back over ${transport.toUpperCase()} at ${server}${error === undefined ? '' : ` (${error})`}`;

/** Ports that clients use: STUN and TURN, and the same with TLS and DTLS. The settings of this boot ask for port 443. */
const CLIENT_PORTS = [3478, 5349, 443];

function judgeOpenings({ tried, reached }: NonNullable<TrialFacts['openings']>, facts: ImageFacts): Verdict {
  const { first, last } = facts.machine.relayPorts;
  const found: string[] = [];
  for (const family of ['ipv4', 'ipv6'])
    for (const protocol of ['tcp', 'udp']) {
      const name = `${protocol.toUpperCase()} over ${family === 'ipv4' ? 'IPv4' : 'IPv6'}`;
      const ports = reached.find((each) => each.family === family && each.protocol === protocol)?.ports;
      const isOpen = (port: number) =>
        CLIENT_PORTS.includes(port) || (protocol === 'udp' && port >= first && port <= last);
      const open = (ports ?? []).filter((port) => !isOpen(port));
      if (open.length > 0) found.push(`${name}: ${open.slice(0, 10).join(', ')} can be reached`);
      const closed = tried.filter((port) => isOpen(port) && !(ports ?? []).includes(port));
      if (closed.length > 0) found.push(`${name}: ${closed.slice(0, 10).join(', ')} cannot be reached`);
    }
  if (tried.length < 1000) found.push(`only ${tried.length} ports were tried`);
  return complaints(
    found,
    `of ${tried.length} ports, only those of clients and the relay range can be reached`,
    {
      ports: tried.length,
    },
  );
}

function judgeMetrics(
  { sessions, stranger }: NonNullable<TrialFacts['metrics']>,
  { machine, deviations }: ImageFacts,
): Verdict {
  const exact = judgeSessions(sessions, deviations);
  const { first, last } = machine.relayPorts;
  const pool = parseSamples(sessions.after).get('turn_agent_relay_ports');
  return complaints(
    [
      ...(exact.ok ? [] : [exact.message]),
      ...(stranger ? ['a host outside the configured networks can connect'] : []),
      ...(pool === last - first + 1
        ? []
        : [`turn_agent_relay_ports is ${pool ?? 'missing'} (expected ${last - first + 1})`]),
    ],
    `${exact.message}; other hosts cannot connect`,
    exact.figures ?? {},
  );
}

/** Packets of the machine to metadata services are named by their addresses, which no other peer has. */
function judgeUnguarded({
  leaked,
  control,
  own,
  unprotected,
}: NonNullable<TrialFacts['unguarded']>): Verdict {
  const metadata = leaked.filter((line) => /> (?:169\.254\.|fd00:ec2::254|fd20:ce::254)/.test(line));
  const open = own.filter(({ found }) => found === 'success').map(({ peer }) => peer);
  return complaints(
    [
      ...(metadata.length > 0
        ? [`${metadata.length} packets reached a metadata service: ${metadata.slice(0, 2).join(' | ')}`]
        : []),
      ...(open.length > 0 ? [`a client connected through the relay to ${open.join(', ')}`] : []),
      ...(own.length < 12 ? [`only ${own.length} services of the machine were tried`] : []),
      ...(control === 0 ? ['the control failed: no message came back from a public peer'] : []),
      ...(unprotected === 'success'
        ? []
        : [
            `the control failed: without the firewall, a connection to ${own[0]?.peer} ended with "${unprotected}", so the result proves nothing`,
          ]),
    ],
    `without its rules, the relay reaches no metadata service and none of ${own.length} services of the machine`,
  );
}

function judgeRotation({ seconds, relay, old }: NonNullable<TrialFacts['rotation']>): Verdict {
  const found: string[] = [];
  if (seconds === undefined || relay.received !== MESSAGES) found.push(`new secret: ${sessionOf(relay)}`);
  if (!/401/.test(old.error ?? '')) found.push('the old secret was not refused with 401');
  return complaints(
    found,
    `served clients with the new secret within ${seconds} s, and refused the old one`,
    {
      seconds: seconds ?? 'never',
    },
  );
}

function judgeCertificate({ certificates: { stored, shown } }: NonNullable<TrialFacts['rotation']>): Verdict {
  const found = ['before', 'after'].flatMap((when, index) =>
    shown[index] === stored[index]
      ? []
      : [`${when} the rotation, TLS clients saw ${shown[index]} (the store had ${stored[index]})`],
  );
  if (stored[0] === stored[1]) found.push('the certificate was not replaced, so the result proves nothing');
  return complaints(found, 'TLS clients saw the certificate of the store, before and after it was replaced');
}

/** Seconds in which a changed address must be in force: 15 to notice it, and 5 for the sessions at the old one. */
const MOVED_SECONDS = 20;

function judgeMove(what: string, { seconds, relay }: MoveFacts): string[] {
  if (seconds === undefined)
    return [`${what}: no client was given the new address ${relay.server}; ${sessionOf(relay)}`];
  return [
    ...(seconds > MOVED_SECONDS ? [`${what}: in force after ${seconds} s (limit ${MOVED_SECONDS} s)`] : []),
    ...(relay.received === MESSAGES ? [] : [`${what}: ${sessionOf(relay)}`]),
  ];
}

function judgeAddress(facts: ImageFacts): Verdict {
  const moved = facts.machine.boots[FIRST]?.trials.moved;
  const attached = facts.machine.boots[SECOND]?.trials.attached;
  const problems = [
    facts.machine.boots[FIRST]?.problems.moved,
    facts.machine.boots[SECOND]?.problems.attached,
  ];
  if (moved === undefined || attached === undefined) {
    const why = problems.find((each) => each !== undefined);
    return why === undefined
      ? blocked('machine.answers', 'the machine did not get that far')
      : fail(`the trial failed: ${why}`);
  }
  return complaints(
    [...judgeMove('replaced', moved), ...judgeMove('attached', attached)],
    `a replaced address was in force after ${moved.seconds} s, an attached one after ${attached.seconds} s`,
    { 'replaced, seconds': moved.seconds ?? 'never', 'attached, seconds': attached.seconds ?? 'never' },
  );
}

/** Seconds until turnserver serves once the metadata service answers: its pauses end after 1 s, and an emulated start takes a while. */
const RECOVERED_SECONDS = 60;
/** What the metadata service did in each phase, by the phase's name in src/lab/machine/trials/unready.ts. */
const FAULTS: Readonly<Record<string, string>> = {
  silent: 'was silent',
  'answers 403': 'answered 403',
  'answers with a web page': 'answered with a web page',
  'gives a wrong address': 'gave a wrong address',
};

function judgeUnready({ phases, recovered, relay, journal }: NonNullable<TrialFacts['unready']>): Verdict {
  const found = Object.entries(FAULTS).flatMap(([fault, did]) => {
    const phase = phases.find((each) => each.fault === fault);
    if (phase === undefined || phase.requests === 0)
      return [`the machine made no request while the metadata service ${did}`];
    return phase.answered ? [`turnserver served clients although the metadata service ${did}`] : [];
  });
  if (recovered === undefined || recovered > RECOVERED_SECONDS)
    found.push(
      recovered === undefined
        ? 'turnserver did not serve clients after the first correct answer'
        : `turnserver served clients ${recovered} s after the first correct answer (limit ${RECOVERED_SECONDS} s)`,
    );
  if (relay?.received !== MESSAGES || relay.relayed !== relay.server)
    found.push(
      relay === undefined
        ? "no client in the machine's network was served"
        : `without a public address: relayed address ${relay.relayed ?? 'none'}; ${sessionOf(relay)}`,
    );
  if (!journal.some((line) => /no public/i.test(line)))
    found.push('the journal does not say that there is no public address');
  return complaints(
    found,
    `turnserver waited for the right addresses, served clients ${recovered} s later, and used the private address while there was no public one`,
    { seconds: recovered ?? 'never' },
  );
}

function judgeDrain({ relay, after }: NonNullable<TrialFacts['drained']>, { drains }: ImageFacts): Verdict {
  if (!drains) return notApplicable('this version of coturn cannot drain');
  const lost = relay.sent - relay.received;
  return complaints(
    [
      ...(relay.error === undefined ? [] : [`the session ended early: ${relay.error}`]),
      ...(lost > 0 ? [`${lost} of ${relay.sent} messages were lost`] : []),
      ...(relay.sent === 0 ? ['no message was sent, so the result proves nothing'] : []),
      ...(after < 0 ? [`the machine was off ${-after} s before the session ended`] : []),
    ],
    `a session went on until its end: ${relay.sent} messages, none lost; off ${after} s later`,
    { messages: relay.sent, 'seconds until off': after },
  );
}

/** The checks of what happens to a machine while it runs. */
export const trialChecks: readonly MachineCheck[] = [
  {
    id: 'machine.firewall',
    title: 'Opens only the client ports and the relay range in its firewall',
    reason: 'A service that is added later must not be exposed to the internet by accident.',
    judge: seen(FIRST, 'openings', judgeOpenings),
  },
  {
    id: 'machine.metrics',
    title: 'Serves exact metrics, to the configured networks only',
    reason: 'Capacity planning and alerts rely on these figures, and they show how busy each relay is.',
    judge: seen(FIRST, 'metrics', judgeMetrics),
  },
  {
    id: 'machine.peers',
    title: 'Relays to no private, reserved or metadata address',
    reason: 'Through an open relay, clients reach the machine itself, its network and its credentials.',
    judge: seen(FIRST, 'forbidden', judgeForbidden),
  },
  {
    id: 'machine.guards',
    title: 'Protects itself and its metadata service even if the relay has no rules',
    reason: 'Some versions of coturn did not apply their rules to every encoding of an address.',
    judge: seen(SECOND, 'unguarded', judgeUnguarded),
  },
  {
    id: 'machine.secret',
    title: 'Picks up a rotated secret',
    reason: 'A secret that cannot be changed while machines run is never changed.',
    judge: seen(FIRST, 'rotation', judgeRotation),
  },
  {
    id: 'machine.certificate',
    title: 'Picks up a renewed certificate',
    reason: 'Certificates are renewed every few weeks, and an expired one turns away all TLS clients.',
    judge: seen(FIRST, 'rotation', judgeCertificate),
  },
  {
    id: 'machine.address',
    title: 'Picks up a new public address while it runs',
    reason: 'An Elastic IP is attached after the boot. Until then, peers cannot reach relayed addresses.',
    judge: judgeAddress,
  },
  {
    id: 'machine.metadata',
    title: 'Waits for the right addresses when the metadata service fails',
    reason: 'A relay with wrong addresses accepts calls, but they have no audio or video.',
    judge: seen(SECOND, 'unready', judgeUnready),
  },
  {
    id: 'machine.drain',
    title: 'Lets sessions end before it switches off',
    reason: 'Auto scaling and instance groups replace machines at any time, even during calls.',
    judge: seen(OTHER, 'drained', judgeDrain),
  },
];
