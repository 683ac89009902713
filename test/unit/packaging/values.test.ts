import { describe, expect, it } from 'vitest';
import { packagingValues } from '../../../src/packaging/values.ts';
import { createPlan } from '../../../src/plan/index.ts';
import { packageLayout } from '../../../src/plan/layout.ts';
import { releaseFacts, target } from '../../support/plan-facts.ts';

/** The template values of a package, from the plan of a release. */
function valuesOf(name: string) {
  const known = target(name);
  const plan = createPlan({ ...releaseFacts, knownTargets: [known], targets: [name] });
  const step = plan.steps.find(({ stage }) => stage === 'package');
  if (step === undefined) throw new Error(`the plan packages no ${name}`);
  return packagingValues(plan, step, packageLayout(known.format));
}

describe('packagingValues', () => {
  it('formats the date of the sources for Debian and RPM changelogs', () => {
    expect(valuesOf('debian-13')).toMatchObject({
      date: 'Sat, 03 Dec 2022 21:21:36 +0000',
      rpmDate: 'Sat Dec 03 2022',
    });
  });

  it('formats the kernel settings of the relay range for sysctl.d', () => {
    expect(valuesOf('debian-13').sysctls).toBe(
      'net.ipv4.ip_local_reserved_ports = 49152-65534\nnet.core.rmem_max = 2097152\nnet.core.wmem_max = 2097152',
    );
  });

  it('lists the licenses of coturn, turnbuild and static libraries, each once, in this order', () => {
    expect(valuesOf('debian-13').license).toBe('BSD-3-Clause AND MIT');
    expect(valuesOf('portable').license).toBe(
      'BSD-3-Clause AND MIT AND Apache-2.0 AND LGPL-2.1-or-later AND Zlib AND blessing',
    );
  });
});
