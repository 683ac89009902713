import { expect, it } from 'vitest';
import { agentCommand } from '../../../src/lab/remote.ts';
import { clientCommand } from '../../../src/lab/scenarios/independent.ts';
import { tcpdumpCommand } from '../../../src/lab/tcpdump.ts';

const nobody = 'setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --no-new-privs --';

it('programs that read packets of a server run as nobody (e2e/laboratory tests that they have no capabilities)', () => {
  expect(agentCommand(7).join(' ')).toMatch(
    new RegExp(`^nsenter --net=/proc/7/ns/net -- ${nobody} \\S*node.* agent$`),
  );
  expect(clientCommand('192.0.2.1', ['udp', 'tls']).join(' ')).toMatch(
    new RegExp(`^${nobody} python3 /lab/independent.py 192.0.2.1 .* udp tls$`),
  );
  expect(tcpdumpCommand(7, ['udp']).join(' ')).toMatch(/^nsenter .* tcpdump .*-Z nobody udp$/);
});
