import { describe, expect, it } from 'vitest';
import { TurnbuildError } from '../../../src/errors.ts';
import { ARCHITECTURES, archOfOciPlatform, parseArch, platformOf } from '../../../src/plan/platforms.ts';

describe('parseArch', () => {
  it.each([
    ['arm64', 'arm64'],
    ['aarch64', 'arm64'],
    ['x86_64', 'x86_64'],
    ['amd64', 'x86_64'],
    ['x86-64', 'x86_64'],
  ])('reads %s as %s', (word, arch) => expect(parseArch(word)).toBe(arch));

  it.each([
    ['arm46', 'arm64'],
    ['aarch46', 'aarch64'],
  ])('refuses %s and suggests %s', (word, near) => {
    expect(() => parseArch(word)).toThrow(new RegExp(`did you mean ${near}`));
    expect(() => parseArch(word)).toThrow(TurnbuildError);
  });

  it.each(['armhf', 'armv7', 'arm', 'i386', 'x86', 'riscv64', 'ppc64el', 's390x', 'sparc-station'])(
    'refuses %s without a suggestion, and lists the supported architectures',
    (word) => {
      expect(() => parseArch(word)).toThrow(
        expect.objectContaining({
          code: 'ARCH_UNKNOWN',
          exitCode: 2,
          message: `Unsupported architecture "${word}"`,
          hint: 'Supported: arm64 (aarch64) and x86_64 (amd64).',
        }),
      );
    },
  );
});

describe('platform table', () => {
  it('maps OCI platforms to architectures', () => {
    for (const arch of ARCHITECTURES) expect(archOfOciPlatform(`linux/${platformOf(arch).oci}`)).toBe(arch);
    expect(archOfOciPlatform('linux/amd64/v3')).toBe('x86_64');
    expect(archOfOciPlatform('linux/riscv64')).toBeUndefined();
  });
});
