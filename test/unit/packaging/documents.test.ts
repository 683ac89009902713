import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { newsComplaints } from '../../../src/checks/news.ts';
import { renderTemplate } from '../../../src/packaging/template.ts';
import { packagingValues } from '../../../src/packaging/values.ts';
import { createPlan } from '../../../src/plan/index.ts';
import { type Format, packageLayout } from '../../../src/plan/layout.ts';
import { releaseFacts, target } from '../../support/plan-facts.ts';

const TARGETS: Record<Format, string> = { deb: 'debian-13', rpm: 'portable' };

/** Renders a document for a turnserver with these options and features. */
function render(path: string, format: Format, { options = '', features = '' } = {}): string {
  const known = target(TARGETS[format]);
  const plan = createPlan({ ...releaseFacts, knownTargets: [known], targets: [known.name] });
  const step = plan.steps.find(({ stage }) => stage === 'package');
  if (step === undefined) throw new Error('the plan makes no package');
  const file = new URL(`../../../recipes/packaging/${path}`, import.meta.url);
  return renderTemplate(readFileSync(file, 'utf8'), {
    values: packagingValues(plan, step, packageLayout(format)),
    options: new Set(options.split(' ')),
    metrics: new Set(),
    features: new Set(features.split(' ')),
  });
}
const ALL = { options: 'prometheus dtls', features: 'reload drain systemd' };
const longLines = (text: string) => text.split('\n').filter((line) => line.length > 80);

describe.each<Format>(['deb', 'rpm'])('the README of a .%s', (format) => {
  it('fits 80 columns', () => expect(longLines(render('common/README', format, ALL))).toEqual([]));

  it('names the configuration file and the user of its package format', () => {
    const { configurationDir, user } = packageLayout(format);
    const text = render('common/README', format);
    expect(text).toContain(`${configurationDir}/turnserver.conf`);
    expect(text).toContain(`-g ${user} -m 640`);
  });

  it('mentions reload, DTLS, draining and metrics only if turnserver supports them', () => {
    const words = ['systemctl reload coturn', 'dtls', 'DRAIN_SECONDS', '9641'];
    const [without, having] = [render('common/README', format), render('common/README', format, ALL)];
    expect(words.filter((word) => having.includes(word))).toEqual(words);
    expect(words.filter((word) => without.includes(word))).toEqual([]);
    expect(without).toContain('restart the server after\neach renewal');
  });
});

describe('NEWS', () => {
  it.each([
    ['all features', ALL],
    ['no features', {}],
  ])('is valid and fits 80 columns for a turnserver with %s', (_, can) => {
    const text = render('deb/NEWS', 'deb', can);
    expect(newsComplaints(text, '4.6.1+turnbuild-1~deb13')).toEqual([]);
    expect(longLines(text).filter((line) => !line.startsWith(' -- '))).toEqual([]);
  });

  it("has a version above the distribution's package", () => {
    expect(newsComplaints(render('deb/NEWS', 'deb'), '4.6.1-2+deb13u1')).toEqual([
      'NEWS: 4.6.1+turnbuild is newer than the package, 4.6.1-2+deb13u1',
    ]);
  });
});
