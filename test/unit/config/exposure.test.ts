import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../../src/checks/index.ts';
import { exposureOf } from '../../../src/config/exposure.ts';
import { advisoriesSchema, type DeclaredExposure, exposuresFor } from '../../../src/recipe/advisories.ts';
import { parseRecipeFile } from '../../../src/recipe/parse.ts';
import { CONTEXTS, type KnownVersion, shippedConfiguration } from '../../support/configurations.ts';

const file = readFileSync(new URL('../../../recipes/advisories.yaml', import.meta.url), 'utf8');
const known = parseRecipeFile('recipes/advisories.yaml', file, advisoriesSchema);

function judged(
  declared: DeclaredExposure,
  { more = '', version = '4.6.1', arch = 'x86_64' }: { more?: string; version?: KnownVersion; arch?: string },
) {
  const configuration = `${shippedConfiguration(version)}\n${more}\n`;
  return exposureOf(declared, { ...CONTEXTS[version], configuration, arch });
}

const declared = (
  evidence: Extract<DeclaredExposure, { evidence: unknown }>['evidence'],
): DeclaredExposure => ({ state: 'not-exposed', reason: 'because', evidence });
const ofShipped = (id: string, arch = 'x86_64', more = '') => {
  const each = exposuresFor('4.6.1', known)[id];
  if (each === undefined) throw new Error(`4.6.1 is not affected by ${id}`);
  return judged(each, { arch, more });
};

describe('the built-in advisories', () => {
  it('each declare their exposure, and refer to existing checks', () => {
    expect(known.filter(({ exposure }) => exposure === undefined)).toEqual([]);
    const checks = known.flatMap(({ exposure }) =>
      exposure?.state === 'not-exposed' ? (exposure.check ?? []) : [],
    );
    expect(checks.length).toBeGreaterThan(0);
    for (const check of checks) expect(CHECKS.map(({ id }) => id)).toContain(check);
  });

  it('are not exposed by the shipped configuration of 4.6.1, with known exceptions', () => {
    const exposed = (arch: string) =>
      Object.keys(exposuresFor('4.6.1', known)).filter((id) => ofShipped(id, arch).state !== 'not-exposed');
    const always = ['CVE-2026-68552', 'CVE-2026-68554', 'CVE-2026-73214'];
    expect(exposed('x86_64')).toEqual(always);
    expect(exposed('arm64')).toEqual(['CVE-2026-40613', ...always]);
  });

  it.each([
    ['CVE-2026-43994', 'oauth'],
    ['CVE-2026-43915', 'web-admin'],
    ['CVE-2026-53449', 'no-cli=0'],
    ['CVE-2026-53450', 'allowed-peer-ip=10.0.0.1\ncli-password=x\nno-cli=no'],
    ['CVE-2026-62959', 'acme-redirect=http://a.example/'],
    ['CVE-2026-65981', 'mobility'],
    ['CVE-2026-68553', 'redis-statsdb="ip=127.0.0.1"'],
    ['coturn-2056', 'max-port=65535'],
  ])('%s is judged again with the setting %s', (id, more) => {
    expect(ofShipped(id).state).toBe('not-exposed');
    // Peers are the exception: another option does not open them.
    expect(ofShipped(id, 'x86_64', more).state).toBe(id === 'CVE-2026-53450' ? 'not-exposed' : 'exposed');
  });
});

describe('evidence', () => {
  it('is checked as the version reads the file: options that it lacks are off', () => {
    expect(judged(declared({ off: ['prometheus-tls'] }), { more: 'prometheus-tls' }).state).toBe(
      'not-exposed',
    );
    expect(judged(declared({ off: ['mobility'] }), { more: 'mobility=no' }).state).toBe('not-exposed');
    // From 4.10 on the command-line interface is off until `cli` is set.
    const cli = declared({ off: ['cli'] });
    expect(judged(cli, { version: '4.18.0' }).state).toBe('not-exposed');
    expect(judged(cli, { version: '4.18.0', more: 'cli' }).state).toBe('exposed');
  });

  it('about peers requires every denied range', () => {
    const peers = declared({ peers: 'closed' });
    expect(judged(peers, {}).state).toBe('not-exposed');
    const configuration = shippedConfiguration('4.6.1').replace(/^denied-peer-ip=10\..*$/m, '');
    const open = exposureOf(peers, { ...CONTEXTS['4.6.1'], configuration, arch: 'x86_64' });
    expect(open.state).toBe('exposed');
    expect(open.reason).toMatch(/^The shipped configuration does not deny the peer 10\./);
  });

  it('that is missing is listed in full, unless the advisory has a text for it', () => {
    const all = declared({ off: ['oauth', 'mobility'], maxPort: 1024, architectures: ['arm64'] });
    expect(judged(all, { more: 'oauth\nmobility' })).toEqual({
      state: 'exposed',
      reason:
        'The shipped configuration switches oauth on, and switches mobility on, and has a relay range that ends at 65534, and is for x86_64.',
    });
    const otherwise = { ...declared({ maxPort: 1024 }), otherwise: 'own words' } as DeclaredExposure;
    expect(judged(otherwise, {}).reason).toBe('own words');
    const without = shippedConfiguration('4.6.1').replace(/^max-port=.*$/m, '');
    const at = { ...CONTEXTS['4.6.1'], configuration: without, arch: 'x86_64' };
    expect(exposureOf(declared({ maxPort: 65534 }), at).reason).toContain('ends at 65535');
  });

  it('determines the CycloneDX justification', () => {
    const of = (evidence: Parameters<typeof declared>[0]) => judged(declared(evidence), {}).justification;
    expect(of({ off: ['oauth'] })).toBe('requires_configuration');
    expect(of({ off: ['oauth'], peers: 'closed' })).toBe('protected_by_mitigating_control');
    expect(of({ maxPort: 65534 })).toBe('protected_by_mitigating_control');
    expect(of({ architectures: ['x86_64'] })).toBe('requires_environment');
  });

  it('is not required from an advisory that is declared exposed', () => {
    const exposed = { state: 'exposed', reason: 'r' } as const;
    expect(judged(exposed, {})).toEqual(exposed);
  });
});
