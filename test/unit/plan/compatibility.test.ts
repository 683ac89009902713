import { describe, expect, it } from 'vitest';
import { needsOf } from '../../../src/plan/compatibility.ts';
import { releaseFacts } from '../../support/plan-facts.ts';

describe('needsOf', () => {
  it.each([
    ['4.5.2', true, ['openssl-3.h'], []],
    ['4.6.1', true, ['openssl-3.h'], ['stop-on-signal']],
    ['4.6.3', true, ['openssl-3.h'], []],
    ['4.7.0', true, [], []],
    ['4.13.1', true, [], []],
    ['4.14.0', false, [], []],
    ['4.18.0', false, [], []],
    ['5.0.0', false, [], []],
  ])('%s: Prometheus client %s, headers %j, series %j', (version, prometheusClient, includes, series) => {
    const needs = needsOf(version, releaseFacts.compatibility);
    expect(needs).toMatchObject({ prometheusClient, includes, series });
  });

  it('requires the Prometheus client only for entries that set prometheusClient', () => {
    const entry = { versions: '<5.0.0', reason: 'r', include: 'x.h' };
    expect(needsOf('4.6.1', [entry]).prometheusClient).toBe(false);
    expect(needsOf('4.6.1', [entry, { ...entry, prometheusClient: true }]).prometheusClient).toBe(true);
  });
});
