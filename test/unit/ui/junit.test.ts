import { DOMParser } from '@xmldom/xmldom';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../src/manifest/schema.ts';
import { renderJunit } from '../../../src/ui/junit.ts';
import { fixture, plant, withSteps } from './manifest-fixture.ts';

/** The result of an independent XML parser: one `suite|check|failure, error or skipped` per line. */
function parsed(xml: string): string[] {
  const document = new DOMParser({
    onError: (_, message) => {
      throw new Error(message);
    },
  }).parseFromString(xml, 'text/xml');
  return [...document.getElementsByTagName('testcase')].map((element) => {
    const suite = (element.parentNode as unknown as typeof element).getAttribute('name');
    const kinds = ['failure', 'error', 'skipped'].filter(
      (kind) => element.getElementsByTagName(kind).length > 0,
    );
    return [suite, element.getAttribute('name')?.split(':')[0], ...kinds].join('|');
  });
}

describe('renderJunit', () => {
  const manifest = fixture();

  it('includes every check of every package with its status', () => {
    const lines = parsed(renderJunit(manifest));
    for (const step of manifest.steps) {
      for (const check of step.checks ?? []) {
        const kind = {
          passed: '',
          failed: '|failure',
          'cannot-here': '|skipped',
          'not-applicable': '|skipped',
          deselected: '|skipped',
          accepted: '|skipped',
          blocked: '|skipped',
        }[check.status];
        expect(lines).toContain(`${step.target} / ${step.arch}|${check.id}${kind}`);
      }
    }
  });

  it('includes steps that failed without checks', () => {
    const [step] = manifest.steps.filter(({ stage }) => stage === 'build');
    if (step === undefined) throw new Error('the fixture has no build step');
    const broken = { ...step, status: 'failed' as const, error: 'did not compile' };
    const lines = parsed(
      renderJunit({ ...manifest, steps: [...manifest.steps.filter((each) => each !== step), broken] }),
    );
    expect(lines).toContain(`steps|${step.id.split(':')[0]}|error`);
  });

  it('has no suite for a package without checks, and no error for a step whose checks failed', () => {
    const failing = fixture({ failing: true });
    expect(parsed(renderJunit(failing)).filter((line) => line.startsWith('steps|'))).toEqual([]);
    const unchecked = { ...manifest, steps: manifest.steps.filter(({ stage }) => stage !== 'verify') };
    expect(renderJunit(unchecked)).not.toContain('<testsuite ');
  });

  it('includes the message, the figures and the cause of a failed check', () => {
    const of = (id: string, cause?: string) => {
      const failing = withSteps(fixture({ failing: true }), ({ checks }) => ({
        checks: (checks ?? []).map((check) => (cause === undefined ? check : { ...check, cause })),
      }));
      const cases = renderJunit(failing).split('<testcase ');
      return cases.find((text) => text.includes(`"${id}: `) && text.includes('debian-13 / arm64')) ?? '';
    };
    expect(of('metrics-agree')).toMatch(/counted: 797<\/system-out>/);
    const verdict = (text: string) => /<failure\b[\s\S]*<\/failure>/.exec(text)?.[0] ?? '';
    expect(verdict(of('metrics-agree'))).toMatch(/>turn_total_traffic_peer_sentp grew by 797/);
    expect(verdict(of('metrics-agree', 'Packets are lost'))).toMatch(/>Packets are lost\nturn_total_traffic/);
    expect(verdict(of('stun'))).toBe('');
    expect(of('metrics-agree')).not.toContain('<skipped');
  });

  it('counts a failed check as a failure, a failed step as an error, and blocked checks as skipped', () => {
    const failing = withSteps(fixture({ failing: true }), ({ id, checks }) => ({
      ...(id === 'build-debian-12-arm64'
        ? { status: 'failed' as const, error: 'did not compile\nline 2' }
        : {}),
      ...(checks === undefined
        ? {}
        : {
            checks: checks.map((check) =>
              check.id === 'sigterm'
                ? { ...check, status: 'blocked' as const, blockedBy: 'metrics-agree' }
                : check,
            ),
          }),
    }));
    const xml = renderJunit(failing);
    expect(xml).toMatch(
      /<testsuites name="coturn 4\.6\.1\+turnbuild-1" tests="85" errors="1" failures="1" skipped="6">/,
    );
    expect(xml).toMatch(
      /<failure message="turn_total_traffic_peer_sentp grew by 797[^"]*" type="metrics-agree">turn_total/,
    );
    expect(xml).toContain('<error message="did not compile" type="step">did not compile\nline 2</error>');
    expect(xml.match(/<skipped message="blocked by metrics-agree"\/>/g)).toHaveLength(4);
    expect(xml).toContain(
      '<skipped message="cannot run here: systemd-analyze does not run under qemu-user"/>',
    );
    // CI systems compare the counts of suites with the totals.
    const sum = [...xml.matchAll(/<testsuite [^>]*failures="(\d+)"/g)].reduce(
      (all, [, n]) => all + Number(n),
      0,
    );
    expect(sum).toBe(1);
  });

  it('reports an error for a failed step whose checks are all blocked, and their status', () => {
    const blocked = withSteps(fixture({ failing: true }), ({ checks }) => ({
      checks: (checks ?? []).map((check) => ({ ...check, status: 'blocked' as const })),
    }));
    const xml = renderJunit(blocked);
    const lines = parsed(xml);
    expect(lines.filter((line) => line.endsWith('|error'))).toEqual(['steps|verify-debian-13-arm64|error']);
    expect(xml.match(/<system-out>blocked\n/g)).toHaveLength(lines.length - 1);
  });

  it('is valid XML for any message', () => {
    const steps = manifest.steps.map((step) => ({
      ...step,
      checks: step.checks?.map((check) => ({ ...check, message: `]]> & <b> "\u0000\u001b[31m\ufffe é` })),
    }));
    expect(parsed(renderJunit({ ...manifest, steps }))).toEqual(parsed(renderJunit(manifest)));
  });

  it('replaces control characters and breaks CI commands in messages', () => {
    const steps = manifest.steps.map((step) => ({
      ...step,
      checks: step.checks?.map((check) => ({ ...check, message: 'a\u009b2J\u202eb\n::set-output::x' })),
    }));
    const xml = renderJunit({ ...manifest, steps });
    expect(xml).toContain('a?2J?b\n: :set-output::x');
    expect(xml).not.toMatch(/[\u0080-\u009f\u202e]/);
  });

  it('replaces control characters in every attribute and text', () => {
    const failing = fixture({ failing: true });
    const unchecked = withSteps(failing, ({ checks: _, ...step }) => ({
      ...step,
      status: 'failed',
      checks: [],
    }));
    for (const each of [failing, unchecked]) {
      const xml = renderJunit(plant(each, '\u001b[2J\u202e\u2028\ufffe') as Manifest);
      expect(xml).toContain('?[2J???');
      expect(xml).not.toMatch(/[^\P{C}\n]|[\p{Zl}\p{Zp}\ufffe]/u);
      expect(parsed(xml).length).toBeGreaterThan(0);
    }
  });
});
