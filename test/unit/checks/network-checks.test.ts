import { describe, expect, it } from 'vitest';
import { judgeAll } from '../../../src/checks/judge.ts';
import { labChecks } from '../../../src/checks/lab-checks.ts';
import { type LabFacts, MIN_TTL } from '../../../src/lab/facts.ts';
import { plantedLab } from '../../support/lab-facts.ts';
import { advisory, packageFacts } from '../../support/package-facts.ts';

const resultOf = (id: string, change: (lab: LabFacts) => void, advisories: readonly string[] = []) => {
  const facts = packageFacts({ lab: plantedLab(change), advisories: advisories.map(advisory) });
  const found = judgeAll(labChecks, facts).find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no check ${id}`);
  return found;
};

describe('relays over a transport', () => {
  it('say how many messages they have sent and received', () => {
    expect(resultOf('network.udp', () => {}).figures).toEqual({ sent: 4000, received: 4000 });
    expect(resultOf('relay.rest-secret', () => {}).figures).toEqual({ received: 400 });
  });

  it('that lose a message are no silent server', () =>
    expect(
      resultOf('network.udp', ({ relays }) => {
        for (const each of relays) each.received = 999;
      }).cause,
    ).toBeUndefined());

  it('are silent for clients on its own machine where one family is', () =>
    expect(
      resultOf('network.tcp', (lab) => {
        for (const each of lab.reach)
          if (each.transport === 'tcp') Object.assign(each, { remote: false, local: each.family === 'ipv4' });
        for (const each of lab.relays) if (each.transport === 'tcp') each.received = 0;
      }).cause,
    ).toMatch(/not even clients on its own machine are answered/));
});

describe('other ways that are silent', () => {
  it.each([
    ['dtls', 'ipv4'],
    ['tcp', 'ipv6'],
  ])('leave the independent client its verdict: %s by %s', (transport, family) =>
    expect(
      resultOf('network.independent', ({ reach }) => {
        for (const each of reach)
          if (each.transport === transport && each.family === family) each.remote = false;
      }).status,
    ).toBe('passed'),
  );

  it('leave REST credentials theirs, where all clients were answered', () =>
    expect(
      resultOf('relay.rest-secret', ({ reach }) => {
        for (const each of reach) if (each.transport === 'tcp') each.remote = false;
      }).status,
    ).toBe('passed'));
});

describe('the TTL of datagrams', () => {
  it('may be the least that is asked for, of as many as clients have received', () =>
    expect(
      resultOf('network.ttl', (lab) => {
        lab.ttl = { packets: 8000, minTtl: MIN_TTL };
      }).status,
    ).toBe('passed'));

  it('excuses no capture that saw too little', () =>
    expect(
      resultOf(
        'network.ttl',
        (lab) => {
          lab.ttl.packets = 7999;
        },
        ['coturn-2043'],
      ).advisories,
    ).toBeUndefined());
});

describe('the cause of a server that is down', () => {
  const cause = (change: (lab: LabFacts) => void) => resultOf('network.alive', change).cause;

  it('is the last line of its log', () =>
    expect(
      cause((lab) => {
        lab.servers.requests = 'SIGSEGV';
        lab.logs.requests = 'one\ntwo\nthree\nthe last line\n';
      }),
    ).toMatch(/: the last line$/));

  it('is how it ended where it has logged nothing', () =>
    expect(
      cause((lab) => {
        lab.servers.requests = 'SIGSEGV';
        lab.logs.requests = '';
      }),
    ).toBe('turnserver ended by itself with SIGSEGV, with clients that send nothing malformed'));

  it('is none where all servers run, and a scenario was not tried to its end', () =>
    expect(
      cause((lab) => {
        lab.problems.forbidden = 'timeout';
      }),
    ).toBeUndefined());
});

describe('a client that waits for words which are no text', () => {
  const known = (errors: readonly (string | undefined)[]) =>
    resultOf(
      'network.independent',
      (lab) => {
        const why = 'the reason phrase of an error response is not valid text';
        lab.unparsed.push({ server: 'requests', transport: 'udp', why, bytes: '0113' });
        for (const [index, each] of lab.independent.entries())
          if (errors[index] !== undefined) Object.assign(each, { received: 0, error: errors[index] });
      },
      ['coturn-1878'],
    ).advisories;

  it('is known, whether or not the others wait too', () =>
    expect(known(['TransactionTimeout()'])).toEqual(['coturn-1878']));

  it('excuses no other client', () => expect(known(['TransactionFailed()'])).toBeUndefined());
});
