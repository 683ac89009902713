import { describe, expect, it } from 'vitest';
import {
  copyFromLabCommand,
  copyToLabCommand,
  createLabCommand,
  labImageOwnerCommand,
  listLabImagesCommand,
  listLabsCommand,
  removeLabCommands,
  startLabCommand,
} from '../../../src/plan/lab.ts';
import { platformOf } from '../../../src/plan/platforms.ts';

describe('createLabCommand', () => {
  const args = (arch: 'arm64' | 'x86_64') =>
    createLabCommand({ name: 'lab' }, 'owner', platformOf(arch).emulation).args;

  it('passes QEMU_CPU to emulated programs, before the image', () => {
    const variable = args('arm64').indexOf('--env=QEMU_CPU=max,pauth-impdef=on');
    expect(variable).toBeGreaterThan(0);
    expect(variable).toBeLessThan(args('arm64').indexOf('lab'));
    expect(args('x86_64').join(' ')).not.toContain('--env');
  });

  it('drops all capabilities and adds only those that the laboratory uses', () => {
    const given = args('x86_64').flatMap((arg) => /^--cap-add=(.*)$/.exec(arg)?.[1] ?? []);
    expect(args('x86_64')).toContain('--cap-drop=ALL');
    expect(given.sort()).toEqual([
      ...['CHOWN', 'DAC_OVERRIDE', 'KILL', 'NET_ADMIN', 'NET_BIND_SERVICE', 'NET_RAW'],
      ...['SETGID', 'SETUID', 'SYS_ADMIN', 'SYS_CHROOT', 'SYS_PTRACE'],
    ]);
    expect(args('x86_64')).not.toContain('--privileged');
  });

  it('limits the processes and memory of a package', () => {
    expect(args('x86_64')).toEqual(expect.arrayContaining(['--pids-limit=4096', '--memory=8g']));
    // Engines without swap accounting refuse a swap limit.
    expect(args('x86_64').join(' ')).not.toContain('swap');
  });
});

describe('the commands of a laboratory', () => {
  const commands = (engine?: string) => [
    createLabCommand({ name: 'lab', engine }, 'owner', {}),
    copyToLabCommand({ name: 'lab', engine }, '/from', '/to'),
    startLabCommand({ name: 'lab', engine }),
    copyFromLabCommand({ name: 'lab', engine }, '/from', '/to'),
    ...removeLabCommands({ name: 'lab', engine }),
    listLabsCommand(engine),
    listLabImagesCommand(engine),
    labImageOwnerCommand(engine, 'lab'),
  ];

  it('all use the engine that has its image, or the current one', () => {
    const current = commands().map(({ args }) => args);
    expect(current.flat()).not.toContain('--context');
    expect(commands('far').map(({ args }) => args)).toEqual(
      current.map((args) => ['--context', 'far', ...args]),
    );
  });

  it('all write, except those that list leftover laboratories', () =>
    expect(commands().map(({ effect }) => effect)).toEqual([
      ...Array(6).fill('write'),
      ...Array(3).fill('read'),
    ]));
});
