import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bootstrapCommand, lenderOf } from '../../../src/plan/bases.ts';
import { formatCommand } from '../../../src/plan/command.ts';
import { createPlan } from '../../../src/plan/index.ts';
import { releaseFacts, target } from '../../support/plan-facts.ts';

const folder = new URL('../../../recipes/targets/', import.meta.url);
const names = readdirSync(folder).map((file) => file.replace('.yaml', ''));
const mirrors = {
  debian: 'https://mirror.example/debian',
  security: 'https://mirror.example/debian-security',
  named: {
    ubuntu: 'https://mirror.example/ubuntu',
    'ubuntu/arm64': 'https://mirror.example/ubuntu-ports',
  },
};

// Snapshots of the complete plan of each recipe show the effects of a change. Review the difference, then update them:
// npx vitest run --project unit test/unit/plan/golden.test.ts -u
describe.each(names)('the plan of %s', (name) => {
  it('matches the snapshot in test/golden', async () => {
    const plan = createPlan({ ...releaseFacts, knownTargets: names.map(target), targets: [name] });
    const { advisories: _, metrics: __, deviations: ___, exposures: ____, ...rest } = plan;
    const commands = plan.bases.map((base) => {
      const lender = lenderOf(base, plan.bases, 'x86_64');
      const lent = lender && { arch: lender.arch, tar: `/${lender.id}.tar`, tools: '/native' };
      return formatCommand(bootstrapCommand(base, mirrors, '/root-folder', lent));
    });
    const text = `${JSON.stringify({ ...rest, bootstrap: commands }, null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(`../../golden/${name}.json`);
  });
});
