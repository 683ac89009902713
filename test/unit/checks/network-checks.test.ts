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
  it('report the number of sent and received messages', () => {
    expect(resultOf('network.udp', () => {}).figures).toEqual({ sent: 4000, received: 4000 });
    expect(resultOf('relay.rest-secret', () => {}).figures).toEqual({ received: 400 });
  });

  it('do not count as silent if they lose a message', () =>
    expect(
      resultOf('network.udp', ({ relays }) => {
        for (const each of relays) each.received = 999;
      }).cause,
    ).toBeUndefined());

  it('count as silent for local clients if one address family is', () =>
    expect(
      resultOf('network.tcp', (lab) => {
        for (const each of lab.reach)
          if (each.transport === 'tcp') Object.assign(each, { remote: false, local: each.family === 'ipv4' });
        for (const each of lab.relays) if (each.transport === 'tcp') each.received = 0;
      }).cause,
    ).toMatch(/even local clients get no answer/));
});

describe('another silent transport', () => {
  it.each([
    ['dtls', 'ipv4'],
    ['tcp', 'ipv6'],
  ])('does not block network.independent: %s over %s', (transport, family) =>
    expect(
      resultOf('network.independent', ({ reach }) => {
        for (const each of reach)
          if (each.transport === transport && each.family === family) each.remote = false;
      }).status,
    ).toBe('passed'),
  );

  it('does not block relay.rest-secret if all of its clients were answered', () =>
    expect(
      resultOf('relay.rest-secret', ({ reach }) => {
        for (const each of reach) if (each.transport === 'tcp') each.remote = false;
      }).status,
    ).toBe('passed'));
});

describe('the TTL of datagrams', () => {
  it('may be the minimum, in a capture of exactly the packets that clients received', () =>
    expect(
      resultOf('network.ttl', (lab) => {
        lab.ttl = { packets: 8000, minTtl: MIN_TTL };
      }).status,
    ).toBe('passed'));

  it('is not attributed to coturn-2043 if the capture is incomplete', () =>
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

  it('is its exit status if it logged nothing', () =>
    expect(
      cause((lab) => {
        lab.servers.requests = 'SIGSEGV';
        lab.logs.requests = '';
      }),
    ).toBe('turnserver exited unexpectedly with SIGSEGV, although clients sent nothing malformed'));

  it('is absent if all servers run and only a scenario was aborted', () =>
    expect(
      cause((lab) => {
        lab.problems.forbidden = 'timeout';
      }),
    ).toBeUndefined());
});

describe('a client that times out on an invalid reason phrase', () => {
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

  it('is attributed to coturn-1878, even if other clients succeed', () =>
    expect(known(['TransactionTimeout()'])).toEqual(['coturn-1878']));

  it('is not attributed to it if any client fails otherwise', () => {
    expect(known(['TransactionFailed()'])).toBeUndefined();
    expect(known(['TransactionTimeout()', 'TransactionFailed()'])).toBeUndefined();
  });

  it('is not attributed to it if every reason phrase was valid', () =>
    expect(
      resultOf(
        'network.independent',
        ({ independent }) => {
          for (const each of independent) Object.assign(each, { received: 0, error: 'TransactionTimeout()' });
        },
        ['coturn-1878'],
      ).advisories,
    ).toBeUndefined());
});

describe('a laboratory check that does not pass', () => {
  it('reports the errors of its own scenarios only', () => {
    const message = (problem: string) =>
      resultOf('answers.quota', (lab) => {
        lab.problems[problem] = 'timeout';
        lab.answers = lab.answers.filter(({ id }) => !id.startsWith('quota'));
      }).message;
    expect(message('limits')).toMatch(/ \(limits: timeout\)$/);
    expect(message('capacity')).not.toMatch(/timeout/);
  });

  it('names the silent transport and the check that fails because of it', () => {
    const blocked = (id: string, transport: string, family: string, minTtl: number) => {
      const { blockedBy, message } = resultOf(id, (lab) => {
        lab.ttl.minTtl = minTtl;
        for (const each of lab.reach)
          if (each.transport === transport && each.family === family) each.remote = false;
      });
      return `${blockedBy}: ${message.split(': ').at(-1)}`;
    };
    expect(blocked('network.udp', 'udp', 'ipv6', 1)).toBe('network.ttl: no answer over UDP and IPv6');
    expect(blocked('network.independent', 'tcp', 'ipv4', 1)).toBe('network.tcp: no answer over TCP and IPv4');
    expect(blocked('network.independent', 'udp', 'ipv4', MIN_TTL)).toBe(
      'network.udp: no answer over UDP and IPv4',
    );
  });
});

describe('checks of capacity and abuse', () => {
  it('pass with exactly the required number of peers and packets', () => {
    const sixty = (lab: LabFacts) => {
      const peers = [...new Set(lab.forbidden.attempts.map(({ peer }) => peer))].slice(0, 60);
      lab.forbidden.attempts = lab.forbidden.attempts.filter(({ peer }) => peers.includes(peer));
    };
    expect(resultOf('peers.forbidden', sixty)).toMatchObject({ status: 'passed', figures: { peers: 60 } });
    const thousand = (lab: LabFacts) => Object.assign(lab.hostile, { overTcp: 1000 });
    expect(resultOf('packets.hostile', thousand).status).toBe('passed');
  });

  it('record the files per allocation if they could be counted', () => {
    expect(resultOf('capacity.ports', () => {}).figures).toMatchObject({ 'files per allocation': 1 });
    const unseen = (lab: LabFacts) => Object.assign(lab.capacity, { perAllocation: undefined });
    expect(resultOf('capacity.ports', unseen).figures).toEqual({ ports: 500, pairs: 250 });
  });

  it('quote at most 100 bytes of the last packet', () =>
    expect(
      resultOf('packets.hostile', (lab) => {
        Object.assign(lab.hostile, { ended: 'SIGSEGV', suspects: ['ab'.repeat(500)] });
      }).message,
    ).toMatch(/: (?:ab){100}$/));

  it('do not attribute a refusal to the advisory for lost ports', () =>
    expect(
      resultOf(
        'capacity.even-port',
        (lab) => {
          lab.evenPort.granted -= 1;
        },
        ['CVE-2026-73215'],
      ).advisories,
    ).toBeUndefined());
});
