import type { Configuration } from './configuration.ts';
import { type Finding, finding } from './finding.ts';

/** An option that needs others: one of each list. */
interface Need {
  option: string;
  /** One of these has to be on, or to have a value. */
  of: readonly string[];
  what: string;
}

/** @see coturn, src/apps/relay/mainrelay.c: where each setting is looked at */
const NEEDS: readonly Need[] = [
  { option: 'cli-password', of: ['cli'], what: 'the telnet interface is off' },
  { option: 'cli-port', of: ['cli'], what: 'the telnet interface is off' },
  { option: 'cli-ip', of: ['cli'], what: 'the telnet interface is off' },
  { option: 'prometheus-port', of: ['prometheus', 'prometheus-tls'], what: 'metrics are not served' },
  { option: 'prometheus-address', of: ['prometheus', 'prometheus-tls'], what: 'metrics are not served' },
  { option: 'prometheus-path', of: ['prometheus', 'prometheus-tls'], what: 'metrics are not served' },
  {
    option: 'prometheus-username-labels',
    of: ['prometheus', 'prometheus-tls'],
    what: 'metrics are not served',
  },
  { option: 'prometheus-cert', of: ['prometheus-tls'], what: 'metrics are not served over TLS' },
  { option: 'prometheus-key', of: ['prometheus-tls'], what: 'metrics are not served over TLS' },
  {
    option: 'prometheus-tls',
    of: ['prometheus-cert'],
    what: 'there is no certificate to serve metrics with',
  },
  { option: 'prometheus-tls', of: ['prometheus-key', 'pkey'], what: 'there is no key to serve metrics with' },
  { option: 'stateless-nonce-secret', of: ['stateless-nonce'], what: 'nonces are kept by the server' },
  { option: 'unauthorized-ratelimit-rps', of: ['unauthorized-ratelimit'], what: 'nothing is limited' },
  { option: 'web-admin-ip', of: ['web-admin'], what: 'the admin pages are off' },
  { option: 'web-admin-port', of: ['web-admin'], what: 'the admin pages are off' },
  { option: 'multiplex-peer-port', of: ['multiplex-peer'], what: 'peers are not multiplexed' },
  { option: 'multiplex-peer-max-peers', of: ['multiplex-peer'], what: 'peers are not multiplexed' },
];
/** What says that TLS or DTLS is wanted. */
const SECURE = ['tls-listening-port', 'alt-tls-listening-port', 'dtls', 'cert', 'pkey', 'raw-public-keys'];

/** Settings of something that is not served. */
export function lintServices(configuration: Configuration): Finding[] {
  const { isOn, last, has } = configuration;
  const isSet = (name: string) => isOn(name) || (!isSwitch(name) && (last(name)?.value ?? '') !== '');
  const found = NEEDS.flatMap(({ option, of, what }) => {
    const setting = last(option);
    // Options of the same release: an older one has its own way.
    if (setting === undefined || !of.some(has) || of.some(isSet)) return [];
    if (isSwitch(option) && !isOn(option)) return [];
    return [
      finding(
        'unused-option',
        'warning',
        setting,
        `without ${of.join(' or ')}, ${option} has no effect: ${what}`,
      ),
    ];
  });
  return [...found, ...lintSecurePorts(configuration)];
}

const isSwitch = (name: string) =>
  /^(cli|prometheus|prometheus-tls|prometheus-username-labels|stateless-nonce|unauthorized-ratelimit|web-admin|multiplex-peer)$/.test(
    name,
  );

/** TLS and DTLS take a certificate and a key; turnserver goes on without them. @see openssl_setup() */
function lintSecurePorts({ isOn, last, has }: Configuration): Finding[] {
  const wanted = SECURE.map(last).find((setting) => setting !== undefined);
  if (wanted === undefined) return [];
  const dtls = has('dtls') ? isOn('dtls') : !isOn('no-dtls');
  if (isOn('no-tls') && !dtls) {
    const message = `no-tls is set, so nothing is served over TLS: ${wanted.name} has no effect`;
    return wanted.name === 'dtls' ? [] : [finding('unused-option', 'warning', wanted, message)];
  }
  const missing = ['cert', 'pkey'].filter((name) => (last(name)?.value ?? '') === '');
  if (missing.length === 0) return [];
  const message = `without ${missing.join(' and ')}, turnserver does not serve TLS or DTLS`;
  return [finding('not-served', 'error', wanted, message)];
}
