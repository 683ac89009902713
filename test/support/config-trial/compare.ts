import { configurationOf } from '../../../src/config/configuration.ts';
import { accessOf } from '../../../src/config/credentials.ts';
import type { Finding, LintContext, RuleId } from '../../../src/config/finding.ts';
import { lintConfig } from '../../../src/config/lint.ts';
import { permits } from '../../../src/config/peers.ts';
import type { Strength } from '../../../src/config/secrets.ts';
import { parseSettings, portOf } from '../../../src/config/settings.ts';
import { parseAddress } from '../../../src/turn/values.ts';
import { ANONYMOUS, type Observation, SERVER, type Trial } from './observation.ts';

/** A disagreement between lint-config and the server, in one line. */
export interface Disagreement {
  about: string;
  trial: Trial;
  detail: string;
}

/** Compares lint-config's findings for a configuration with the server's behaviour. */
export function compare(
  trial: Trial,
  seen: Observation,
  context: LintContext,
  strength: Strength,
): Disagreement[] {
  const findings = lintConfig(trial.text, context, { strength });
  const has = (...rules: RuleId[]) => findings.some(({ rule }) => rules.includes(rule));
  const found: Disagreement[] = [];
  const disagree = (about: string, detail: string) => found.push({ about, trial, detail });
  const fatal = findings.filter(({ effect }) => effect === 'fatal');
  // A server that crashes at the first allocation does not crash if no client gets one.
  const isUntouched = !Object.values(seen.allocations).some(
    (result) => result === 'granted' || result === 'silence',
  );
  const isDue = fatal.some(({ rule }) => rule !== 'port-range' || !isUntouched || seen.ended !== undefined);
  if ((seen.ended !== undefined) !== isDue) {
    const said = fatal.map(({ rule, message }) => `${rule}: ${message}`).join('; ');
    disagree(
      'start',
      seen.ended === undefined
        ? `the server starts, but lint-config reports: ${said}`
        : `the server ended with ${seen.ended}: ${lastWords(seen)}`,
    );
  }
  if (seen.ended !== undefined) return found;
  const configuration = configurationOf(parseSettings(trial.text), context);
  // The log, with its warnings, may be elsewhere.
  const isHidden = ['syslog', 'no-stdout-log'].some((name) => configuration.isOn(name));
  if (!isHidden && configuration.last('log-file')?.value !== 'syslog')
    found.push(...unknownLines(trial, seen, findings));
  found.push(...services(trial, seen, configuration, findings));
  if (seen.asked === undefined || configuration.isOn('stun-only')) return found;
  const anonymous = seen.allocations[ANONYMOUS] ?? 'not asked';
  if (anonymous === 'silence' || anonymous === 'refused' || anonymous === '300' || anonymous === 'not asked')
    return found;
  const open = anonymous !== '401';
  if (open !== has('open-relay')) disagree('open relay', `without credentials: ${anonymous}`);
  if (open) return [...found, ...peers(trial, seen, configuration, context)];
  found.push(...accounts(trial, seen, configuration, findings));
  return [...found, ...peers(trial, seen, configuration, context)];
}

function lastWords({ log }: Observation): string {
  return log
    .filter((line) => /ERROR|error|annot|not /.test(line))
    .slice(-2)
    .join(' | ')
    .slice(0, 300);
}

/** Lines with options that the server reports as unknown. */
function unknownLines(trial: Trial, { log }: Observation, findings: readonly Finding[]): Disagreement[] {
  const warned = new Set(log.flatMap((line) => /Bad configuration format: (\S+)/.exec(line)?.[1] ?? []));
  const told = new Set(
    findings
      .filter(({ rule }) => rule === 'unknown-option' || rule === 'removed-option')
      .flatMap(({ line }) => parseSettings(trial.text).find((setting) => setting.line === line)?.name ?? []),
  );
  return [...new Set([...warned, ...told])]
    .filter((name) => warned.has(name) !== told.has(name))
    .map((name) => ({
      about: 'unknown option',
      trial,
      detail: warned.has(name) ? `the server does not know ${name}` : `the server knows ${name}`,
    }));
}

/** Accounts and secrets: which ones grant access. */
function accounts(
  trial: Trial,
  seen: Observation,
  configuration: ReturnType<typeof configurationOf>,
  findings: readonly Finding[],
): Disagreement[] {
  const access = accessOf(configuration);
  const nobody = findings.some(({ rule }) => rule === 'rest-separator');
  return trial.credentials.flatMap(({ label }) => {
    const result = seen.allocations[label];
    // Quotas and families that cannot be allocated say nothing about credentials.
    if (result === undefined || !['granted', '401', '486', '508', '440'].includes(result)) return [];
    const let_in = result !== '401';
    const [, kind, value = ''] = /^(user|secret) (.*)$/s.exec(label) ?? [];
    const lines = configuration.settings.filter(
      (setting) =>
        setting.name === (kind === 'user' ? 'user' : 'static-auth-secret') && setting.value === value,
    );
    const said = findings.filter(({ line }) => lines.some((setting) => setting.line === line));
    const dead = said.some(({ rule }) => ['invalid-user', 'unused-option', 'repeated-option'].includes(rule));
    const expected =
      lines.length > 0 &&
      !dead &&
      !(kind === 'secret' && nobody) &&
      access === (kind === 'user' ? 'accounts' : 'secret');
    if (expected !== let_in)
      return [
        {
          about: kind === 'user' ? 'account' : 'secret',
          trial,
          detail: `${label}: ${result}, lint-config expects ${expected ? 'access' : 'no access'}`,
        },
      ];
    const guessable = value === '' && let_in;
    return guessable && !said.some(({ rule }) => rule === 'known-secret')
      ? [
          {
            about: 'empty secret',
            trial,
            detail: `${label} has access, but lint-config does not report known-secret`,
          },
        ]
      : [];
  });
}

/** Peers that clients may send to. */
function peers(
  trial: Trial,
  seen: Observation,
  configuration: ReturnType<typeof configurationOf>,
  context: LintContext,
): Disagreement[] {
  const isPermitted = permits(configuration, context);
  // The server treats a peer address from external-ip as the relay's own address.
  const announced = configuration.settings
    .filter(({ name }) => name === 'external-ip')
    .map(({ value }) => value.split('/')[0]?.trim());
  const wrong = seen.tried.filter(
    (peer) => !announced.includes(peer) && isPermitted(parseAddress(peer)) !== seen.permitted.includes(peer),
  );
  return wrong.length === 0
    ? []
    : [
        {
          about: 'peers',
          trial,
          detail: wrong
            .map((peer) => `${peer} is ${seen.permitted.includes(peer) ? 'permitted' : 'denied'}`)
            .join(', '),
        },
      ];
}

/** Sockets other than those for clients. */
function services(
  trial: Trial,
  seen: Observation,
  configuration: ReturnType<typeof configurationOf>,
  findings: readonly Finding[],
): Disagreement[] {
  const found: Disagreement[] = [];
  const { last } = configuration;
  const at = (port: number) =>
    seen.sockets.filter((socket) => socket.startsWith('tcp ') && socket.endsWith(`:${port}`));
  const port = (name: string, usual: number) => portOf(last(name), usual) || usual;
  const client = new Set(
    ['listening-port', 'tls-listening-port', 'alt-listening-port', 'alt-tls-listening-port'].map((name) =>
      portOf(last(name), -1),
    ),
  );
  // Port 0 means a random port.
  const isRandom = portOf(last('cli-port'), 5766) === 0;
  const telnet = isRandom ? 0 : port('cli-port', 5766);
  const told = findings.filter(({ rule }) => rule === 'administration');
  const telnetTold = told.some(
    ({ message, level }) => message.includes('telnet interface listens') && level !== 'note',
  );
  if (!isRandom && !client.has(telnet) && at(telnet).length > 0 !== telnetTold)
    found.push({
      about: 'telnet',
      trial,
      detail:
        at(telnet).length > 0
          ? `the telnet interface listens: ${at(telnet)}`
          : 'the telnet interface does not listen',
    });
  const outside = at(telnet).some(
    (socket) => !socket.includes('127.0.0.1') && !socket.includes('[0:0:0:0:0:0:0:1]'),
  );
  if (outside && !told.some(({ level }) => level === 'error'))
    found.push({
      about: 'telnet',
      trial,
      detail: `the telnet interface listens for other machines, without an error: ${at(telnet)}`,
    });
  found.push(...strangers(trial, seen, configuration, findings));
  const tls = port('tls-listening-port', 5349);
  const secure = seen.sockets.some(
    (socket) => socket.endsWith(`:${tls}`) && tls !== port('listening-port', 3478),
  );
  if (secure === findings.some(({ rule }) => rule === 'not-served')) {
    if (secure) found.push({ about: 'tls', trial, detail: `port ${tls} is served` });
    else if (
      last('tls-listening-port') !== undefined &&
      tls !== port('listening-port', 3478) &&
      !configuration.isOn('no-tls')
    )
      found.push({ about: 'tls', trial, detail: `port ${tls} is not served` });
  }
  return found;
}

/** Default ports of a server: that of a service, and the next one, for RFC 5780. */
const USUAL_PORTS = [3478, 5349, 5766, 8080, 9641];

/** Whether other machines reach the server, on ports that its clients can know. */
function strangers(
  trial: Trial,
  { sockets }: Observation,
  { settings }: ReturnType<typeof configurationOf>,
  findings: readonly Finding[],
): Disagreement[] {
  if (findings.some(({ level }) => level === 'error')) return [];
  const named = settings.flatMap(({ value }) =>
    [...value.matchAll(/\d+/g)].map(([digits]) => Number(digits)),
  );
  const known = new Set([...USUAL_PORTS, ...named].flatMap((each) => [each, each + 1]));
  const portOfSocket = (socket: string) => Number(socket.slice(socket.lastIndexOf(':') + 1));
  const outside = sockets.filter((socket) => !/127\.0\.0\.1|\[0:0:0:0:0:0:0:1\]|\[::1\]/.test(socket));
  const random = outside.filter((socket) => !known.has(portOfSocket(socket)));
  if (random.length > 0)
    return [{ about: 'port', trial, detail: `the configuration does not name the port of ${random[0]}` }];
  return outside.length === 0
    ? [{ about: 'service', trial, detail: 'the server is not reachable from other machines' }]
    : [];
}

/** A readable summary of the disagreements, with examples. */
export function describe(disagreements: readonly Disagreement[]): string {
  return disagreements
    .map(
      ({ about, trial, detail }) =>
        `${trial.version} ${about}: ${detail}\n    ${trial.text.trim().replaceAll('\n', ' | ')}`,
    )
    .join('\n');
}

export const PEERS: readonly string[] = [
  ...[
    '10.0.0.1',
    '10.9.9.9',
    '127.0.0.1',
    '169.254.169.254',
    '192.168.1.1',
    '192.168.1.2',
    '20.0.9.9',
    '0.0.0.1',
    '224.0.0.1',
    '255.255.255.255',
    SERVER.own,
  ],
  ...[
    '::1',
    'fd00::1',
    'fe80::1',
    '2600:1:0:9::9',
    '::ffff:10.0.0.1',
    '::10.0.0.1',
    '64:ff9b::a00:1',
    '2002:a00:1::1',
    '::ffff:127.0.0.1',
    'ff02::1',
  ],
];
