import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CheckResult, Manifest } from '../../src/manifest/schema.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { publishing } from '../support/published.ts';
import { EXPIRED, SHA1 } from '../support/signing-home.ts';

const { keys, place } = publishing('apt');

const TARGETS = { 'debian-13': 'deb13', portable: 'rpm' };

/** A release, and `turnbuild publish` with a key of its own. */
function withKey(kind: string, ...[algorithm, expires, options]: readonly [string?, string?, string[]?]) {
  const own = place();
  packagedRelease(own.out, { targets: TARGETS });
  const key = keys().createKey(`${kind} <packages@example.org>`, algorithm, expires, options);
  const run = (verb: string, more: readonly string[] = []) => own.run(verb, ['--sign-with', key, ...more]);
  return { ...own, key, run };
}

describe('turnbuild publish refuses a key', () => {
  it.each<[string, string, string, string[]]>([
    ['that signs itself with SHA-1', 'Its self-signature uses SHA-1', '2y', SHA1],
    ['that has expired', 'The key expired on ', '30d', EXPIRED],
  ])('%s, which gpg has made', async (kind, reason, expires, options) => {
    const { run, repo } = withKey(kind, 'rsa2048', expires, options);
    const { code, stderr } = await run('publish');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(reason) });
    expect(stderr).toContain('[SIGNING_KEY_UNSUITABLE]');
    expect(existsSync(repo)).toBe(false);
  });
});

describe('turnbuild publish says', () => {
  it('that a key expires soon', async () => {
    const soon = withKey('soon', 'ed25519', '30d');
    const warning = `warning: The key ${soon.key} expires in 29 days.`;
    for (const more of [['--dry-run'], []]) {
      const { code, stdout } = await soon.run('publish', more);
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(warning) });
    }
    const later = withKey('later', 'ed25519', '90d');
    expect((await later.run('publish')).stdout).not.toContain('expires');
  });

  it('that a key is for apt alone, whenever it signs', async () => {
    const { run, key } = withKey('curve', 'nistp256');
    const note = `note: The key ${key} uses the curve nistp256, which rpm cannot verify.`;
    for (const [verb, ...more] of [['publish'], ['promote', '4.18.0'], ['refresh']] as const) {
      const { code, stdout } = await run(verb, more);
      expect({ code, stdout }, verb).toEqual({ code: 0, stdout: expect.stringContaining(note) });
    }
    const { code, stderr } = await run('publish', ['--to', 'apt,dnf']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('uses the curve nistp256') });
    expect((await withKey('ed').run('publish')).stdout).not.toContain('curve');
  });

  it('which advisories were accepted, and which checks could not run', async () => {
    const { out, publish } = place();
    packagedRelease(out, { change: withChecks });
    const { code, stdout } = await publish(['--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toContain(
      'warning: checks failed because of accepted advisories: CVE-2026-1, CVE-2026-2\n',
    );
    expect(stdout).toContain(
      'note: debian-13 x86_64: these checks could not run where it was verified: ipv6, quic\n',
    );
  });
});

/** Adds checks that failed because of accepted advisories, and checks that could not run. */
function withChecks(manifest: Manifest): Manifest {
  const check = (id: string, more: Partial<CheckResult>): CheckResult => ({
    ...{ id, title: id, reason: '', message: '', status: 'cannot-here', figures: {} },
    ...more,
  });
  const more = [
    check('relay', { status: 'accepted', advisories: ['CVE-2026-2', 'CVE-2026-1'] }),
    check('ipv6', {}),
    check('quic', {}),
  ];
  const steps = manifest.steps.map((step) =>
    step.checks === undefined ? step : { ...step, checks: [...step.checks, ...more] },
  );
  return { ...manifest, steps };
}
