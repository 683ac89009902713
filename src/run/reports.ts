import { join } from 'node:path';
import { writeText } from '../io/files.ts';
import type { Manifest } from '../manifest/schema.ts';
import { formatSums } from '../manifest/sums.ts';
import { renderJunit } from '../ui/junit.ts';
import { renderReport } from '../ui/report.ts';
import { packageVersion } from './recipes.ts';

/** Writes the reports of a release for people and CI systems. */
export async function writeReports(manifest: Manifest, dir: string): Promise<void> {
  const report = renderReport(manifest, { turnbuildVersion: await packageVersion() });
  await writeText(join(dir, 'report.html'), report);
  await writeText(join(dir, 'junit.xml'), renderJunit(manifest));
  await writeText(join(dir, 'SHA256SUMS'), formatSums(manifest));
}
