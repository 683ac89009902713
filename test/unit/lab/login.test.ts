import { expect, it } from 'vitest';
import { loginArgs } from '../../../src/lab/login.ts';

it('an SSH client uses one key, and nothing of the machine that it runs on', () => {
  const login = {
    user: 'admin',
    address: '20.0.9.10',
    key: '/tmp/key',
    command: 'id -un',
    connectSeconds: 7,
  };
  const args = loginArgs(login);
  expect(args.slice(0, 4)).toEqual(['-F', 'none', '-i', '/tmp/key']);
  expect(args.slice(-2)).toEqual(['admin@20.0.9.10', 'id -un']);
  for (const option of [
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'UserKnownHostsFile=/dev/null',
    'BatchMode=yes',
    'ConnectTimeout=7',
  ])
    expect(args).toContain(option);
});
