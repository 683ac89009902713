import { describe, expect, it } from 'vitest';
import { createLabCommand } from '../../../src/plan/lab.ts';
import { platformOf } from '../../../src/plan/platforms.ts';

describe('createLabCommand', () => {
  const args = (arch: 'arm64' | 'x86_64') =>
    createLabCommand({ name: 'lab' }, 'owner', platformOf(arch).emulation).args;

  it("names QEMU's processor to the programs in it, before the image", () => {
    const variable = args('arm64').indexOf('--env=QEMU_CPU=max,pauth-impdef=on');
    expect(variable).toBeGreaterThan(0);
    expect(variable).toBeLessThan(args('arm64').indexOf('lab'));
    expect(args('x86_64').join(' ')).not.toContain('--env');
  });

  it('takes all capabilities away before it gives some, and none that would be more than the laboratory uses', () => {
    const given = args('x86_64').flatMap((arg) => /^--cap-add=(.*)$/.exec(arg)?.[1] ?? []);
    expect(args('x86_64')).toContain('--cap-drop=ALL');
    expect(given.sort()).toEqual([
      ...['CHOWN', 'DAC_OVERRIDE', 'NET_ADMIN', 'SETGID', 'SETUID', 'SYS_ADMIN', 'SYS_CHROOT'],
    ]);
    expect(args('x86_64')).not.toContain('--privileged');
  });
});
