import type { Configuration } from './configuration.ts';
import { mappingOf } from './external-address.ts';
import { type Finding, finding, type Level } from './finding.ts';

/** A protective setting with a less safe default, and the options that exist only in versions with a safe default. */
interface Protection {
  name: string;
  level: Level;
  message: string;
  /** Newer versions are safe by default and have one of these options to change that. */
  turned: readonly string[];
  /** Effect of such an option, as a predicate; undefined if another entry has it. */
  effect?: string;
}

const PROTECTIONS: readonly Protection[] = [
  {
    name: 'no-software-attribute',
    level: 'note',
    message: 'without no-software-attribute, every response discloses the coturn version',
    turned: ['software-attribute'],
    effect: 'discloses the coturn version in every response',
  },
  {
    name: 'no-rfc5780',
    level: 'note',
    message:
      'without no-rfc5780, anyone can make turnserver send answers from other addresses and to other ports',
    turned: ['rfc5780'],
    effect: 'lets anyone make turnserver send answers from other addresses and to other ports',
  },
  {
    name: 'no-stun-backward-compatibility',
    level: 'note',
    message: 'without no-stun-backward-compatibility, turnserver answers the obsolete requests of RFC 3489',
    turned: ['stun-backward-compatibility', 'rfc3489-compatibility'],
    effect: 'answers the obsolete requests of RFC 3489',
  },
  {
    name: 'response-origin-only-with-rfc5780',
    level: 'note',
    message: 'without response-origin-only-with-rfc5780, each answer is larger than necessary',
    turned: ['rfc5780'],
  },
];

/**
 * Whether turnserver disables RFC 5780, as it does with a single listening address or an external-ip without a slash.
 * @see coturn, netengine.c, setup_listeners()
 */
function lacksAddresses({ settings }: Configuration): boolean {
  const valuesOf = (wanted: string) =>
    settings.flatMap(({ name, value }) => (name === wanted ? [value.trim()] : []));
  // If listening-ip is missing or empty, turnserver listens on all addresses of the machine.
  const listening = new Set(valuesOf('listening-ip'));
  const external = valuesOf('external-ip').map((value) => mappingOf({ value }));
  return (
    (listening.size === 1 && !listening.has('') && !listening.has('0.0.0.0') && !listening.has('::')) ||
    external.some(({ announced, inside }) => announced !== '' && inside === undefined)
  );
}

/** Options that make the server less safe. */
const WEAK: readonly (readonly [name: string, message: string])[] = [
  ['tlsv1', 'TLS 1.0 is deprecated (RFC 8996)'],
  ['tlsv1_1', 'TLS 1.1 is deprecated (RFC 8996)'],
  ['no-tlsv1_2', 'without TLS 1.2, clients without TLS 1.3 fall back to older versions or cannot connect'],
  ['dh566', 'Diffie-Hellman with 566 bits can be broken'],
  ['dh1066', 'Diffie-Hellman with 1,066 bits can be broken by a well-funded attacker'],
];

/** Checks for unsafe defaults and weakened protection. */
export function lintProtection(configuration: Configuration): Finding[] {
  const { isOn, last, has } = configuration;
  const found = lintCrypto(configuration);
  const isIdle = lacksAddresses(configuration);
  for (const { name, level, message, turned, effect } of PROTECTIONS) {
    const option = turned.find(isOn);
    if (isIdle && name === 'no-rfc5780') {
      if (option !== undefined)
        found.push(
          finding(
            'unused-option',
            'note',
            last(option),
            `with one listening address, or an external-ip without a slash, ${option} has no effect`,
          ),
        );
    } else if (option !== undefined && effect !== undefined)
      found.push(finding('protection-off', level, last(option), `${option} ${effect}`));
    else if (has(name) && last(name) === undefined && !turned.some(has))
      found.push(finding('missing-protection', level, undefined, message));
  }
  found.push(...lintNonce(configuration));
  if (isOn('stun-only')) return found;
  if (isOn('allow-loopback-peers'))
    found.push(
      finding(
        'peer-allowed',
        'error',
        last('allow-loopback-peers'),
        "users can reach services on the machine's loopback interface",
      ),
    );
  if (isOn('server-relay'))
    found.push(
      finding('server-relay', 'error', last('server-relay'), 'packets to a relay need no permission'),
    );
  if (!isOn('no-multicast-peers'))
    found.push(
      finding(
        'missing-protection',
        'warning',
        last('no-multicast-peers'),
        'without no-multicast-peers, only denied-peer-ip keeps the relay from sending to multicast groups',
      ),
    );
  // RFC 6062: the client must also use TCP or TLS.
  if (!isOn('no-tcp-relay') && !(isOn('no-tcp') && isOn('no-tls')))
    found.push(
      finding(
        'missing-protection',
        'warning',
        last('no-tcp-relay'),
        'without no-tcp-relay, users can open TCP connections from this address (RFC 6062)',
      ),
    );
  return found;
}

function lintNonce({ last }: Configuration): Finding[] {
  const nonce = last('stale-nonce');
  if (nonce === undefined)
    return [
      finding(
        'missing-protection',
        'note',
        undefined,
        "stale-nonce is not set: turnserver's default lifetime of nonces applies (600 s)",
      ),
    ];
  // atoi() returns 0 for text that is not a number; without a value, the lifetime is 600 s.
  const never = nonce.value !== '' && !/^\s*\+?0*[1-9]/.test(nonce.value);
  return never ? [finding('missing-protection', 'warning', nonce, 'an intercepted nonce never expires')] : [];
}

function lintCrypto({ isOn, last, has, settings }: Configuration): Finding[] {
  const found: Finding[] = [];
  for (const [name, message] of WEAK)
    if (isOn(name)) found.push(finding('weak-crypto', 'warning', last(name), message));
  const served = !(isOn('no-tls') && isOn('no-dtls'));
  for (const [name, tls] of [
    ['no-tlsv1', 'TLS 1.0'],
    ['no-tlsv1_1', 'TLS 1.1'],
  ] as const)
    if (served && has(name) && !isOn(name))
      found.push(
        finding(
          'missing-protection',
          'warning',
          last(name),
          `without ${name}, only OpenSSL's own settings keep ${tls} off the TLS port`,
        ),
      );
  for (const setting of settings.filter(({ name }) => name === 'cipher-list')) {
    const weak = setting.value
      .split(/[:, ]+/)
      .find((each) => /^\+?(ALL|COMPLEMENTOFALL|[ae]?NULL|EXP\w*|LOW|RC4|3?DES|MD5|ADH|AECDH)\b/.test(each));
    if (weak !== undefined)
      found.push(
        finding('weak-crypto', 'warning', setting, `"${weak}" allows broken ciphers, or none at all`),
      );
  }
  return found;
}
