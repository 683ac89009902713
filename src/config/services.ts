import { versionIn } from '../recipe/coturn-version.ts';
import { type Configuration, hasTelnet } from './configuration.ts';
import { type Finding, finding, type LintContext } from './finding.ts';
import { signsNonces } from './secrets.ts';

/** An option that has no effect without another one. */
interface Need {
  option: string;
  /** At least one of these must be on or have a value. */
  of: readonly string[];
  what: string;
}

/** @see coturn, src/apps/relay/mainrelay.c, for the use of each setting */
const NEEDS: readonly Need[] = [
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
    of: ['prometheus-cert', 'cert'],
    what: 'there is no certificate for serving metrics',
  },
  { option: 'prometheus-tls', of: ['prometheus-key', 'pkey'], what: 'there is no key for serving metrics' },
  { option: 'unauthorized-ratelimit-rps', of: ['unauthorized-ratelimit'], what: 'nothing is limited' },
  { option: 'web-admin-ip', of: ['web-admin'], what: 'the admin pages are off' },
  { option: 'web-admin-port', of: ['web-admin'], what: 'the admin pages are off' },
  { option: 'multiplex-peer-port', of: ['multiplex-peer'], what: 'peers are not multiplexed' },
  { option: 'multiplex-peer-max-peers', of: ['multiplex-peer'], what: 'peers are not multiplexed' },
];
/** Options that show that TLS or DTLS is intended. */
const SECURE = [
  ...['tls-listening-port', 'alt-tls-listening-port', 'dtls', 'cert', 'pkey', 'raw-public-keys'],
  ...['web-admin', 'web-admin-listen-on-workers'],
];

/** Reports settings of services that are off. */
export function lintServices(configuration: Configuration, { version }: LintContext): Finding[] {
  const { isOn, last, has } = configuration;
  const isSet = (name: string) => isOn(name) || (!isSwitch(name) && (last(name)?.value ?? '') !== '');
  const found = NEEDS.flatMap(({ option, of, what }) => {
    const setting = last(option);
    // Older releases without any of these options work differently.
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
  return [
    ...found,
    ...lintTelnet(configuration),
    ...lintNonceSecret(configuration),
    ...lintPages(configuration, version),
    ...lintDtls(configuration),
    ...lintSecurePorts(configuration),
    ...lintTransports(configuration),
  ];
}

const isSwitch = (name: string) =>
  /^(cli|prometheus|prometheus-tls|prometheus-username-labels|stateless-nonce|unauthorized-ratelimit|web-admin|multiplex-peer)$/.test(
    name,
  );

/** Reports options of the telnet interface if it is off. */
function lintTelnet(configuration: Configuration): Finding[] {
  if (hasTelnet(configuration)) return [];
  const why = configuration.has('cli') ? 'without cli' : 'with no-cli';
  return ['cli-password', 'cli-port', 'cli-ip', 'cli-max-output-sessions'].flatMap((name) => {
    const setting = configuration.last(name);
    const message = `${why}, ${name} has no effect: the telnet interface is off`;
    return setting === undefined ? [] : [finding('unused-option', 'warning', setting, message)];
  });
}

function lintNonceSecret(configuration: Configuration): Finding[] {
  const secret = configuration.last('stateless-nonce-secret');
  const nonce = configuration.last('stateless-nonce');
  if (
    secret === undefined ||
    secret.value === '' ||
    nonce === undefined ||
    signsNonces(secret, configuration)
  )
    return [];
  const message = `stateless-nonce=${nonce.value} disables what stateless-nonce-secret enabled`;
  return [finding('unused-option', 'warning', nonce, message)];
}

/** Reports admin pages without TLS: turnserver serves them over TLS only. */
function lintPages(configuration: Configuration, version: string): Finding[] {
  return ['web-admin', 'web-admin-listen-on-workers']
    .filter((name) => configuration.isOn(name) && !servesPages(configuration, name, version))
    .map((name) => {
      const message = `with no-tls, ${name} has no effect: its pages are served over TLS`;
      return finding('unused-option', 'warning', configuration.last(name), message);
    });
}

/**
 * Whether an option makes turnserver serve the admin pages. Before 4.6.3, turnserver served those of `web-admin` even without TLS.
 * @see coturn, mainrelay.c, main(), and ns_turn_server.c
 */
export function servesPages({ isOn }: Configuration, name: string, version: string): boolean {
  if (!isOn(name)) return false;
  return !isOn('no-tls') || (name === 'web-admin' && versionIn(version, '<4.6.3'));
}

/** From 4.17 on, DTLS is off unless `dtls` is set. A later `no-dtls` disables it again. */
function lintDtls(configuration: Configuration): Finding[] {
  const { has, isOn, last } = configuration;
  if (!has('dtls') || !isOn('no-dtls')) return [];
  if (isOn('dtls') && !asksForDtls(configuration))
    return [finding('unused-option', 'warning', last('dtls'), 'a later no-dtls disables DTLS again')];
  if (isOn('dtls'))
    return [finding('unused-option', 'warning', last('no-dtls'), 'a later dtls enables DTLS')];
  return [
    finding('unused-option', 'note', last('no-dtls'), 'no-dtls has no effect: without dtls, DTLS is off'),
  ];
}

/** Whether DTLS is on: the later of `dtls` and `no-dtls` wins. With neither, it is on in versions without the option `dtls`. */
function asksForDtls({ has, isOn, last }: Configuration): boolean {
  if (!has('dtls')) return !isOn('no-dtls');
  const [dtls, none] = [last('dtls'), last('no-dtls')];
  if (none === undefined || (dtls !== undefined && dtls.line > none.line)) return isOn('dtls');
  return !isOn('no-dtls');
}

/** turnserver's default files. @see coturn, mainrelay.c, turn_params, and apputils.c, find_config_file() */
const DEFAULT_FILES = { cert: 'turn_server_cert.pem', pkey: 'turn_server_pkey.pem' };

function missingFiles({ last }: Configuration): (keyof typeof DEFAULT_FILES)[] {
  return (['cert', 'pkey'] as const).filter((name) => (last(name)?.value ?? '') === '');
}

/** Reports TLS or DTLS without certificate or key: turnserver starts but does not serve them. @see openssl_setup() */
function lintSecurePorts(configuration: Configuration): Finding[] {
  const { isOn, last } = configuration;
  const wanted = SECURE.map(last).find(
    (setting) =>
      setting !== undefined && (!setting.name.startsWith('web-') || (isOn(setting.name) && !isOn('no-tls'))),
  );
  if (wanted === undefined) return [];
  const dtls = asksForDtls(configuration);
  if (isOn('no-tls') && !dtls) {
    const message = `no-tls is set, so nothing is served over TLS: ${wanted.name} has no effect`;
    return /^(dtls|web-)/.test(wanted.name) ? [] : [finding('unused-option', 'warning', wanted, message)];
  }
  const missing = missingFiles(configuration);
  if (missing.length === 0) return [];
  const found = missing.every((name) => last(name) === undefined)
    ? ` unless it finds ${missing.map((name) => DEFAULT_FILES[name]).join(' and ')} in a folder such as /etc`
    : '';
  const message = `without ${missing.join(' and ')}, turnserver does not serve TLS or DTLS${found}`;
  return [finding('not-served', 'error', wanted, message)];
}

/** Reports if all transports are off: turnserver starts but listens nowhere. */
function lintTransports(configuration: Configuration): Finding[] {
  const { isOn, last } = configuration;
  if (!isOn('no-udp') || !isOn('no-tcp')) return [];
  const isSecure = !isOn('no-tls') || asksForDtls(configuration);
  if (missingFiles(configuration).length === 0 && isSecure) return [];
  const why = isSecure ? 'there is no certificate and key for TLS' : 'TLS and DTLS are off';
  const [first, second] = [last('no-udp'), last('no-tcp')];
  const later = (second?.line ?? 0) > (first?.line ?? 0) ? second : first;
  const message = `turnserver serves no client: UDP and TCP are off, and ${why}`;
  return [finding('not-served', 'error', later, message)];
}
