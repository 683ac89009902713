import { describe, expect, it } from 'vitest';
import { apartCommand } from '../../../../src/lab/machine/apart.ts';

describe('the laboratory of another machine', () => {
  const words = apartCommand(['node', '/lab.mjs', 'apart']);
  const script = words.find((word) => word.includes('\n')) ?? '';

  it('has its own network and its own mounts, so that all addresses and paths can be the same', () => {
    expect(words.slice(0, 3)).toEqual(['unshare', '--net', '--mount']);
    expect(script).toContain('mount --bind /tmp/apart /tmp');
  });

  it('is a router for both families, as the container is', () => {
    expect(script).toContain('echo 1 >/proc/sys/net/ipv4/ip_forward');
    expect(script).toContain('echo 1 >/proc/sys/net/ipv6/conf/all/forwarding');
  });

  it('ends at the first command that fails, and replaces the shell by the program', () => {
    expect(words.slice(4, 6)).toEqual(['sh', '-ec']);
    expect(script.endsWith('exec "$@"')).toBe(true);
    expect(words.slice(-3)).toEqual(['node', '/lab.mjs', 'apart']);
  });
});
