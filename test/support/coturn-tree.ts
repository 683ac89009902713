import { file, folder, link, pax, tarOf } from './tar-builder.ts';

export const COMMIT = 'a005eee880b2db081c94b137600ff2aee29dfc19';

/** A small source tree like coturn's: the commit in a pax header, links in man/ and examples/, scripts. @param more further entries */
export function coturnTar(version = '4.6.1', more: Buffer[] = []): Buffer {
  const code = (name: string) =>
    file(
      `coturn/src/${name}.c`,
      `#include "${name}.h"\n${`static int ${name}(void) { return 0; }\n`.repeat(30)}`,
    );
  return Buffer.concat([
    pax([['comment', COMMIT]], 'g'),
    tarOf(
      file('coturn/configure', '#!/bin/sh\necho configured\n', { mode: 0o775 }),
      file('coturn/CMakeLists.txt', 'cmake_minimum_required(VERSION 3.5)\n'),
      folder('coturn/examples'),
      folder('coturn/examples/etc'),
      link('coturn/examples/etc/cacert.pem', '../ca/CA/cacert.pem'),
      folder('coturn/man/man1'),
      file('coturn/man/man1/turnserver.1', '.TH TURN 1\n'),
      link('coturn/man/man1/coturn.1', 'turnserver.1'),
      folder('coturn/src'),
      file(
        'coturn/src/ns_turn_defs.h',
        `#ifndef __DEFS__\n#define TURN_SERVER_VERSION "${version}"\n#endif\n`,
      ),
      ...['ns_turn_server', 'ns_turn_allocation', 'ns_turn_maps', 'hiredis_libevent2', 'prom_server'].map(
        code,
      ),
      file('coturn/turndb/schema.sql', 'CREATE TABLE turnusers_lt (realm TEXT);\n'),
      file('coturn/empty', ''),
      ...more,
    ),
  ]);
}
