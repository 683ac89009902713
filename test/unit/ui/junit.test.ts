import { DOMParser } from '@xmldom/xmldom';
import { describe, expect, it } from 'vitest';
import { renderJunit } from '../../../src/ui/junit.ts';
import { fixture } from './manifest-fixture.ts';

/** What an XML parser that nobody here wrote makes of it: `suite|check|failure, error or skipped` a line. */
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

  it('has every check of every package, with its status', () => {
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

  it('has steps that failed before there was any check', () => {
    const [step] = manifest.steps.filter(({ stage }) => stage === 'build');
    if (step === undefined) throw new Error('the fixture has no build step');
    const broken = { ...step, status: 'failed' as const, error: 'did not compile' };
    const lines = parsed(
      renderJunit({ ...manifest, steps: [...manifest.steps.filter((each) => each !== step), broken] }),
    );
    expect(lines).toContain(`steps|${step.id.split(':')[0]}|error`);
  });

  it('is XML whatever a message has in it', () => {
    const steps = manifest.steps.map((step) => ({
      ...step,
      checks: step.checks?.map((check) => ({ ...check, message: `]]> & <b> "\u0000\u001b[31m\ufffe é` })),
    }));
    expect(parsed(renderJunit({ ...manifest, steps }))).toEqual(parsed(renderJunit(manifest)));
  });
});
