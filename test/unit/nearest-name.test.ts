import { describe, expect, it } from 'vitest';
import { nearestName } from '../../src/errors.ts';

const TARGETS = ['debian-12', 'debian-13', 'el9', 'portable', 'ubuntu-24.04'];
const COMMANDS = ['release', 'plan', 'source', 'build', 'package', 'verify', 'outdated', 'lint-config'];

describe('nearestName', () => {
  it.each([
    ['debian13', TARGETS, 'debian-13'],
    ['debian-133', TARGETS, 'debian-13'],
    ['debian-21', TARGETS, 'debian-12'],
    ['Portable', TARGETS, 'portable'],
    ['protable', TARGETS, 'portable'],
    ['ubunut-24.04', TARGETS, 'ubuntu-24.04'],
    ['relase', COMMANDS, 'release'],
    ['lint', COMMANDS, 'lint-config'],
    ['biuld', COMMANDS, 'build'],
    ['denied-peer-pi', ['denied-peer-ip', 'allowed-peer-ip'], 'denied-peer-ip'],
    ['verbos', ['Verbose', 'verbose', 'version'], 'verbose'],
    ['verbos', ['verbose', 'Verbose'], 'verbose'],
    ['CVE-2026-732155', ['CVE-2026-73215', 'CVE-2026-73213'], 'CVE-2026-73215'],
  ])('%s, among %j, was meant as %s', (word, names, meant) => expect(nearestName(word, names)).toBe(meant));

  it.each([
    ['debian-11', TARGETS, 'another release'],
    ['debian-14', TARGETS, 'another release'],
    ['verbos', ['Verbose', 'verbose', 'verbosy'], 'one of two, equally near'],
    ['debian-1', TARGETS, 'one of two, equally near'],
    ['ubuntu-22.04', TARGETS, 'another release'],
    ['el8', TARGETS, 'another release'],
    ['fedora', TARGETS, 'another distribution'],
    ['armhf', ['arm64', 'x86_64'], 'another processor'],
    ['CVE-2026-73214', ['CVE-2026-73215', 'CVE-2026-73213'], 'another advisory'],
    ['plum', ['plan', 'pack'], 'too far for so short a word'],
    ['re', ['release', 're-run'], 'too short for a beginning'],
    ['test', COMMANDS, 'nothing near'],
  ])('%s, among %j, is %s: nothing is suggested', (word, names) =>
    expect(nearestName(word, names)).toBeUndefined(),
  );
});
