import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/sandbox.ts';

const POSTINST = new URL('../../recipes/packaging/deb/postinst', import.meta.url);

/** A compromised server also owns the process, and could type into root's terminal if the process has it open (ioctl_tty(2), TIOCSTI). */
it("the database is created without access to root's terminal", () => {
  const dir = temporaryFolder();
  const script = (name: string, text: string) => {
    writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(dir, name), 0o755);
  };
  script('setpriv', 'while [ "$1" != sh ]; do shift; done\nexec "$@"');
  script(
    'sqlite3',
    `for fd in 0 2; do [ -t $fd ] && echo "descriptor $fd"; done >>${dir}/seen\n(: </dev/tty) 2>>${dir}/none && echo controls >>${dir}/seen\n: >>${dir}/ran\ntrue`,
  );
  const [create] = /^create_database\(\) \{[\s\S]*?^\}/m.exec(readFileSync(POSTINST, 'utf8')) ?? [''];
  const program = (body: string) =>
    `user=nobody database=${dir}/turndb\n${body.replace('/usr/share/coturn/schema.sql', '/dev/null')}\ncreate_database`;
  const seen = (body: string) => {
    script('postinst', program(body));
    writeFileSync(join(dir, 'seen'), '');
    execFileSync('script', ['--quiet', '--return', '--command', join(dir, 'postinst'), '/dev/null'], {
      env: { PATH: `${dir}:${process.env.PATH}` },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return readFileSync(join(dir, 'seen'), 'utf8');
  };
  expect(seen(create)).toBe('');
  expect(readFileSync(join(dir, 'ran'), 'utf8')).toBe('');
  // Without either of the two protections, the server reaches the terminal.
  expect(seen(create.replace('setsid --wait ', ''))).toBe('controls\n');
  expect(seen(create.replace('>"$said" 2>&1', ''))).toContain('descriptor 2');
});
