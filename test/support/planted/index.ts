import type { PackageFacts } from '../../../src/checks/facts.ts';
import { plantedLab } from '../lab-facts.ts';
import { packageFacts } from '../package-facts.ts';
import { withInspected } from '../verified-facts.ts';
import { PLANTED as documents } from './document.ts';
import { PLANTED as elf } from './elf.ts';
import { PLANTED as lab } from './lab.ts';
import { PLANTED as lifecycle } from './lifecycle.ts';
import { PLANTED as metrics } from './metrics.ts';
import { PLANTED as monitoring } from './monitoring.ts';
import { PLANTED as packages } from './package.ts';
import { PLANTED as rpm } from './rpm.ts';
import { good as sanitizedLab, PLANTED as sanitizer } from './sanitizer.ts';
import { PLANTED as sbom } from './sbom.ts';
import { good as drainingLab, PLANTED as service } from './service.ts';

/** A fault that a test plants, and the checks that it fails. */
export interface PlantedFault {
  title: string;
  failed: readonly string[];
  facts: () => PackageFacts;
}

/** All planted faults. Those in ELF files compile a program. */
export const PLANTED_FAULTS: readonly PlantedFault[] = [
  ...elf.map(([title, id, , facts]) => ({ title, failed: [id], facts })),
  ...[...lifecycle, ...rpm, ...packages, ...documents].map(([title, facts, failed]) => ({
    title,
    failed,
    facts,
  })),
  ...[...lab, ...metrics].map(([title, change, failed]) => ({
    ...{ title, failed },
    facts: () => packageFacts({ lab: plantedLab(change) }),
  })),
  ...service.map(([title, change, failed]) => ({
    ...{ title, failed },
    facts: () => {
      const facts = drainingLab();
      change(facts);
      return packageFacts({ lab: facts, drains: true });
    },
  })),
  ...sanitizer.map(([title, change]) => ({
    ...{ title, failed: ['packets.sanitizer'] },
    facts: () => {
      const facts = sanitizedLab();
      change(facts);
      return packageFacts({ lab: facts });
    },
  })),
  ...monitoring.map(([title, name, change]) => ({
    ...{ title, failed: ['package.monitoring'] },
    facts: () => withInspected(name, change),
  })),
  ...sbom.map(([title, facts]) => ({ title, failed: ['package.sbom'], facts: () => facts })),
];
