import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  checksOf,
  copyRecipes,
  edit,
  fileFolder,
  manifestOf,
  ONE,
  plantPatch,
  release,
} from '../support/e2e.ts';

// Most faults are planted in facts (test/support/planted). These are planted in a real server, all at once.
const dir = fileFolder('faults');

it('verification finds faults that loopback and short tests hide: in network, port pool, scrapes and unit', async () => {
  const recipes = copyRecipes(dir);
  const packaging = join(recipes, 'packaging/common');
  edit(join(packaging, 'turnserver.conf'), (text) => text.replace(/^denied-peer-ip=10\..*\n/m, ''));
  edit(join(packaging, 'coturn.service'), (text) =>
    text.replace(/^IPAddressDeny=.*\n/m, '').replace('kill -USR2', 'kill -0'),
  );
  const leak = '  static char *volatile leaked;\n  leaked = malloc(1024);\n  memset(leaked, 1, 1024);\n';
  const respond = '  if (newest == NULL || (now()';
  edit(join(recipes, '../patches/prometheus-client/promhttp.c'), (text) =>
    text.replace(respond, `${leak}${respond}`),
  );
  // A TTL of 2, because with 1 nothing would arrive, which would block the other checks. One port in a hundred is never released. The server
  // reads a byte past the end of some packets, which does not crash it.
  plantPatch(
    recipes,
    '--- a/src/apps/relay/turn_ports.c\n+++ b/src/apps/relay/turn_ports.c\n@@ -198,6 +198,7 @@\n \n void turnports_release(turnports* tp, uint16_t port) {\n   TURN_MUTEX_LOCK(&tp->mutex);\n+  if(port % 100 == 50) { TURN_MUTEX_UNLOCK(&tp->mutex); return; }\n   if(tp && port>=tp->range_start && port<=tp->range_stop) {\n     uint16_t position=(uint16_t)(tp->high & 0x0000FFFF);\n     if(is_taken(tp->status[port])) {\n' +
      '--- a/src/apps/relay/ns_ioalib_engine_impl.c\n+++ b/src/apps/relay/ns_ioalib_engine_impl.c\n@@ -797,6 +797,8 @@\n \tif(fd<0)\n \t\treturn 0;\n \n+\tint ttl = 2;\n+\tsetsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));\n \tset_sock_buf_size(fd,UR_CLIENT_SOCK_BUF_SIZE);\n \n \tif(is_tcp_socket(st)) { /* <<== FREEBSD fix */\n' +
      '--- a/src/client/ns_turn_msg.c\n+++ b/src/client/ns_turn_msg.c\n@@ -434,6 +434,12 @@\n \n int stun_is_command_message_str(const uint8_t* buf, size_t blen)\n {\n+\tif (buf && blen % 4 == 1) {\n+\t\tuint8_t *copy = (uint8_t*)malloc(blen);\n+\t\tmemcpy(copy, buf, blen);\n+\t\tif (*(volatile uint8_t*)(copy + blen)) { free(copy); return 0; }\n+\t\tfree(copy);\n+\t}\n \tif (buf && blen >= STUN_HEADER_LENGTH) {\n \t\tif (!STUN_VALID_CHANNEL(nswap16(((const uint16_t*)buf)[0]))) {\n \t\t\tif ((((uint8_t) buf[0]) & ((uint8_t) (0xC0))) == 0) {\n',
  );
  const other = join(dir, 'faults');
  const run = await release(['--out', other, '--recipes', recipes, ...ONE]);
  expect(run.stderr).toMatch(/VERIFY_FAILED/);
  const checks = [...checksOf(manifestOf(other), 'verify:debian-13:x86_64').values()];
  const failed = new Map(
    checks.filter(({ status }) => status === 'failed').map(({ id, message }) => [id, message]),
  );
  expect([...failed.keys()].sort()).toEqual([
    'answers.peer',
    'capacity.even-port',
    'capacity.ports',
    'metrics.scrapes',
    'network.ttl',
    'package.configuration',
    'package.unit-settings',
    'packets.sanitizer',
    'peers.forbidden',
    'service.metadata',
    'service.reload',
  ]);
  expect(failed.get('service.reload')).toBe('after the reload, TLS still serves the old certificate');
  expect(failed.get('capacity.even-port')).toMatch(
    /^20 of 2000 ports lost after 2000 allocations; \d+ of 500 ports lost after \d+ pairs of ports/,
  );
  expect(failed.get('capacity.ports')).toMatch(/^round 2: 495 allocations from 500 ports/);
  expect(failed.get('metrics.scrapes')).toMatch(/resident memory grew by \d+\.\d MiB in 10000 scrapes/);
  expect(failed.get('service.metadata')).toMatch(/3 datagrams left for 169\.254\.169\.254/);
  expect(failed.get('packets.sanitizer')).toMatch(
    /^heap-buffer-overflow .*ns_turn_msg\.c:\d+ in stun_is_command_message_str; after \d+ packets/,
  );
  expect(failed.get('network.ttl')).toMatch(/^at least one of \d+ datagrams to clients had a TTL of 2$/);
  expect(failed.get('peers.forbidden')).toMatch(
    /CreatePermission was granted for \d+ of \d+ peers: 10\.0\.0\.1 .*packets left the server: .* > 10\.0\.0\.1\.4444/,
  );
});
