import { openFilesLimit, relayPorts, sysctlsFor } from '../plan/capacity.ts';
import { targetOfStep } from '../plan/index.ts';
import type { Layout } from '../plan/layout.ts';
import type { Plan, PlannedStep } from '../plan/types.ts';
import type { TemplateInput } from './template.ts';

/** What packaging files say of a release, its target, and where files lie: the values of their `{{name}}`s. */
export function packagingValues(plan: Plan, step: PlannedStep, layout: Layout): TemplateInput['values'] {
  const { version, revision, epoch } = plan.coturn;
  const target = targetOfStep(plan, step);
  // An .rpm has the two parts of its version in fields of their own.
  const [rpmVersion = '', rpmRelease = ''] = step.packageVersion.split('-');
  return {
    version,
    revision,
    packageVersion: step.packageVersion,
    rpmVersion,
    rpmRelease,
    license: licenseOf(Object.values(target.staticLibraries?.licenses ?? {})),
    suite: target.suite,
    maintainer: plan.maintainer,
    date: rfc5322Date(epoch),
    rpmDate: rpmDate(epoch),
    minPort: plan.relay.minPort,
    maxPort: plan.relay.maxPort,
    ports: relayPorts(plan.relay),
    nofile: openFilesLimit(plan.relay),
    sysctls: Object.entries(sysctlsFor(plan.relay))
      .map(([name, value]) => `${name} = ${value}`)
      .join('\n'),
    ...layout,
  };
}

/** SPDX expression of a package: coturn's and our own license, and those of what is linked in. */
function licenseOf(linked: readonly string[]): string {
  return [...new Set(['BSD-3-Clause', 'MIT', ...[...linked].sort()])].join(' AND ');
}

/** `Sat Dec 03 2022`, as the changelog of a spec file wants it. @param epoch Unix seconds */
function rpmDate(epoch: number): string {
  const [day, date, month, year] = new Date(epoch * 1000).toUTCString().replace(',', '').split(' ');
  return [day, month, date, year].join(' ');
}

/** `Sat, 03 Dec 2022 21:21:36 +0000`, as Debian changelogs want it. @param epoch Unix seconds */
function rfc5322Date(epoch: number): string {
  return new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
}
