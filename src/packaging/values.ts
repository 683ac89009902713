import { openFilesLimit, relayPorts, sysctlsFor } from '../plan/capacity.ts';
import { targetOfStep } from '../plan/index.ts';
import type { Layout } from '../plan/layout.ts';
import type { Plan, PlannedStep } from '../plan/types.ts';
import type { TemplateInput } from './template.ts';

/** The values of `{{name}}` in packaging files: the release, its target, and paths. */
export function packagingValues(plan: Plan, step: PlannedStep, layout: Layout): TemplateInput['values'] {
  const { version, revision, epoch } = plan.coturn;
  const target = targetOfStep(plan, step);
  // An .rpm has separate fields for the two parts of its version.
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

/** SPDX expression of a package: the licenses of coturn, of turnbuild, and of statically linked libraries. */
function licenseOf(linked: readonly string[]): string {
  return [...new Set(['BSD-3-Clause', 'MIT', ...[...linked].sort()])].join(' AND ');
}

/** `Sat Dec 03 2022`, the format of changelogs in spec files. @param epoch Unix seconds */
function rpmDate(epoch: number): string {
  const [day, date, month, year] = new Date(epoch * 1000).toUTCString().replace(',', '').split(' ');
  return [day, month, date, year].join(' ');
}

/** `Sat, 03 Dec 2022 21:21:36 +0000`, the format of Debian changelogs. @param epoch Unix seconds */
function rfc5322Date(epoch: number): string {
  return new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
}
