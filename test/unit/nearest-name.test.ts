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
  ])('for %s, among %j, suggests %s', (word, names, meant) => expect(nearestName(word, names)).toBe(meant));

  it.each([
    ['debian-11', TARGETS, 'it is another release'],
    ['debian-14', TARGETS, 'it is another release'],
    ['verbos', ['Verbose', 'verbose', 'verbosy'], 'two names are equally close'],
    ['debian-1', TARGETS, 'two names are equally close'],
    ['ubuntu-22.04', TARGETS, 'it is another release'],
    ['el8', TARGETS, 'it is another release'],
    ['fedora', TARGETS, 'it is another distribution'],
    ['armhf', ['arm64', 'x86_64'], 'it is another processor'],
    ['CVE-2026-73214', ['CVE-2026-73215', 'CVE-2026-73213'], 'it is another advisory'],
    ['plum', ['plan', 'pack'], 'too many edits for a short word'],
    ['re', ['release', 're-run'], 'too short for a prefix'],
    ['test', COMMANDS, 'no name is close'],
  ])('for %s, among %j, suggests nothing: %s', (word, names) =>
    expect(nearestName(word, names)).toBeUndefined(),
  );
});
