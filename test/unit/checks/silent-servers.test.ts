import { describe, expect, it } from 'vitest';
import { judgeAll } from '../../../src/checks/judge.ts';
import { labChecks } from '../../../src/checks/lab-checks.ts';
import { plantedLab } from '../../support/lab-facts.ts';
import { packageFacts } from '../../support/package-facts.ts';

const resultOf = (id: string, change: Parameters<typeof plantedLab>[0]) =>
  judgeAll(labChecks, packageFacts({ lab: plantedLab(change) })).find((check) => check.id === id);

describe('a server that runs but is silent', () => {
  it('is reported with the silent transport instead of an exit status', () =>
    expect(
      resultOf('answers.quota', (lab) => {
        lab.servers.limits = 'silence over udp/ipv4';
        lab.blocked.quota = { server: 'limits' };
      })?.message,
    ).toContain('limits: turnserver runs but no longer answers (silence over udp/ipv4)'));

  it('blocks network.independent, instead of failing it, over two silent transports', () =>
    expect(
      resultOf('network.independent', (lab) => {
        for (const way of lab.reach) if (['tcp', 'tls'].includes(way.transport)) way.remote = false;
        lab.independent = lab.independent.filter(({ transport }) => transport === 'udp');
      })?.status,
    ).toBe('blocked'));
});
