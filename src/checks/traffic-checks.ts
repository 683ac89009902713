import { blocked, type Check, cannotHere, complaints, fail, pass, type Verdict, value } from './check.ts';
import { clientCounts, type PackageFacts, reflexiveAddress, strangerComplaint } from './facts.ts';
import { strangeSockets } from './sockets.ts';

/** Number of messages that the client in recipes/docker/verify/traffic.sh sends. */
const MESSAGES = 50;
const text = (facts: PackageFacts, name: string) => facts.files.get(name) ?? '';

/** Wraps a judge of a server's facts: if the server did not start, the check fails or is blocked. */
const withServer =
  (name: string, judge: (facts: PackageFacts) => Verdict) =>
  (facts: PackageFacts): Verdict => {
    if (value(facts, `${name}.ready`) === 'yes') return judge(facts);
    const why = `turnserver did not start: ${lastLines(text(facts, `${name}.log`))}`;
    if (value(facts, 'shipped.ready') === 'yes') return fail(why);
    return blocked('server.shipped', why);
  };

function judgeClient(facts: PackageFacts): Verdict {
  const log = text(facts, 'client.log');
  const counts = clientCounts(log);
  if (counts === undefined) return fail(`the client sent no message: ${lastLines(log)}`);
  const { sent, received } = counts;
  if (sent !== MESSAGES) return fail(`${sent} of ${MESSAGES} messages were sent`, { sent, received });
  if (received !== MESSAGES)
    return fail(`${received} of ${MESSAGES} messages came back from the peer`, { sent, received });
  return pass(`${MESSAGES} of ${MESSAGES} messages reached the peer and came back`, { sent, received });
}

export const trafficChecks: Check[] = [
  {
    id: 'stun.vectors',
    needs: { phases: ['vectors'] },
    title: 'turnserver passes the STUN test vectors of RFC 5769',
    reason:
      'They prove that message integrity and fingerprints computed on this architecture match the standard.',
    reference: 'https://www.rfc-editor.org/rfc/rfc5769',
    judge: (facts) => {
      if (!facts.built)
        return cannotHere('turnutils_rfc5769check is not packaged; turnbuild has it only for its own builds');
      const code = value(facts, 'rfc5769check.exit');
      const log = text(facts, 'rfc5769check.log');
      const passed = (log.match(/success/g) ?? []).length;
      if (code !== '0' || /failure/.test(log))
        return fail(`turnutils_rfc5769check ended with exit code ${code}: ${lastLines(log)}`);
      return passed > 0
        ? pass(`${passed} vectors`, { vectors: passed })
        : fail('turnutils_rfc5769check reported no vectors');
    },
  },
  {
    id: 'server.shipped',
    needs: { phases: ['shipped'] },
    title: 'turnserver starts with the shipped configuration and accepts every line',
    reason: 'turnserver only warns about an invalid line and runs without it.',
    judge: (facts) => {
      if (value(facts, 'shipped.ready') !== 'yes')
        return {
          ...fail(`turnserver did not start: ${lastLines(text(facts, 'shipped.log'))}`),
          cause: 'turnserver does not start with the shipped configuration',
        };
      const log = text(facts, 'shipped.log');
      if (log.trim() === '')
        return fail('turnserver logged nothing, so it is unknown whether it accepted its configuration');
      const bad = log
        .split('\n')
        .filter((line) => /bad configuration format|wrong configuration|cannot parse/i.test(line));
      return complaints(bad, 'no "Bad configuration format"');
    },
  },
  {
    id: 'server.stun',
    needs: { phases: ['shipped'] },
    title: 'turnserver answers a STUN binding request',
    reason: 'It is the first request of every client.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8489',
    judge: withServer('shipped', (facts) => {
      const log = text(facts, 'stun.log');
      const address = reflexiveAddress(log);
      return address === undefined
        ? fail(`no reflexive address: ${lastLines(log)}`)
        : pass(`reflexive address ${address}`);
    }),
  },
  {
    id: 'server.closed',
    needs: { phases: ['shipped'] },
    title: 'Clients without credentials get no relay, and no admin port is open',
    reason: 'The package starts on machines with public addresses before anyone edits its configuration.',
    judge: withServer('shipped', (facts) => {
      const found: string[] = [];
      for (const name of ['anonymous', 'stranger']) {
        const complaint = strangerComplaint(facts.files.get(`${name}.log`));
        if (complaint !== undefined) found.push(`the ${name} client ${complaint}`);
      }
      if (value(facts, 'shipped.cli') !== 'closed')
        found.push(`the telnet port 5766 is ${value(facts, 'shipped.cli')}`);
      found.push(...strangeSockets(text(facts, 'shipped.listening')));
      const open = value(facts, 'shipped.metrics.public');
      if (open === 'yes') found.push("the metrics can be read at the machine's own address");
      else if (open !== 'no') found.push(`whether the metrics are public could not be tested (${open})`);
      return complaints(found, 'no relay without credentials, port 5766 closed, metrics on loopback only');
    }),
  },
  {
    id: 'relay.utilities',
    needs: { phases: ['shipped', 'utilities'] },
    title: "The package's own client relays through its server",
    reason: 'Operators test machines with turnutils_uclient and turnutils_peer.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8656',
    judge: withServer('utilities', judgeClient),
  },
  {
    id: 'relay.refused',
    needs: { phases: ['shipped', 'utilities'] },
    title: 'The server refuses a wrong password',
    reason: 'The same server has just accepted the correct password.',
    judge: withServer('utilities', (facts) => {
      const complaint = strangerComplaint(facts.files.get('wrong.log'));
      return complaint === undefined ? pass('refused') : fail(`a client with a wrong password ${complaint}`);
    }),
  },
  {
    id: 'server.stop',
    needs: { phases: ['shipped', 'utilities'] },
    title: 'turnserver stops on SIGTERM, with exit code 0 if this version handles the signal',
    reason: 'Otherwise every deployment logs a failed unit.',
    judge: (facts) => {
      // Versions without a handler are killed by SIGTERM (143), which systemd treats as a clean exit.
      const clean = facts.handlesStop === true ? ['0'] : ['0', '143'];
      const stops = ['shipped', 'utilities'].map((name) => [name, value(facts, `${name}.stop`)] as const);
      return complaints(
        stops.filter(([, code]) => !clean.includes(code)).map(([name, code]) => `${name} ended with ${code}`),
        stops.every(([, code]) => code === '0')
          ? 'exit code 0, both times'
          : 'killed by the signal: this version does not handle it',
      );
    },
  },
];

function lastLines(log: string): string {
  return log.trim() === '' ? '(no output)' : log.trim().split('\n').slice(-4).join(' | ');
}
