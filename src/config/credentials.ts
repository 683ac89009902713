import type { Configuration } from './configuration.ts';
import { type Finding, finding } from './finding.ts';
import { booleanOf, type Setting } from './settings.ts';

/** How clients are let in. */
export type Access =
  /** Everyone is. */
  | 'anonymous'
  /** By an account: a `user` line, or one of the database. */
  | 'accounts'
  /** By credentials that are made with a shared secret (TURN REST API). */
  | 'secret'
  /** Nobody is, because turnserver does not start. */
  | 'conflict';

/** Where turnserver's mind is about credentials while it reads its file. */
interface State {
  asked: boolean;
  longTerm: boolean;
  anonymous: boolean;
  /** Whether there are shared secrets: then accounts of the file do not count. */
  secret: boolean;
  /** The line that has switched credentials off last. */
  off: Setting | undefined;
}

/** How this configuration lets clients in. */
export function accessOf({ settings }: Configuration): Access {
  const state = decide(settings);
  if (state.longTerm && state.anonymous) return 'conflict';
  // With an account turnserver switches lt-cred-mech on by itself.
  const byUser =
    !state.longTerm && !state.anonymous && !state.secret && settings.some((each) => isUsable(each));
  if (!state.asked && !byUser) return 'anonymous';
  return state.secret ? 'secret' : 'accounts';
}

/** Whether a line makes an account that can log in, as long as accounts are what clients log in with. */
export function isUsable(setting: Setting): boolean {
  return setting.name === 'user' && complaint(setting) === undefined;
}

/**
 * Whether credentials are asked for, line by line as turnserver decides it: `lt-cred-mech=0` or `no-auth`, with whatever value,
 * behind `use-auth-secret` or `lt-cred-mech` switches credentials off. Each case was tried on the real 4.6.1 and 4.18.0.
 * @see coturn, src/apps/relay/mainrelay.c, set_option(), cases 'a', 'z', AUTH_SECRET_OPT, and main()
 */
export function lintCredentials(configuration: Configuration): Finding[] {
  const { settings, last, isOn } = configuration;
  // It serves no relays then.
  if (isOn('stun-only')) return [];
  const users = settings.filter(({ name }) => name === 'user');
  const state = decide(settings);
  const found = state.secret
    ? users.map(unusedUser)
    : [...users.flatMap(invalidUser), ...replacedUsers(users)];
  const access = accessOf(configuration);
  if (access === 'conflict') {
    const message = 'no-auth and credentials cannot be used together';
    return [...found, finding('conflict', 'error', state.off, message, 'fatal')];
  }
  if (access === 'anonymous') return [...found, openRelay(state, configuration)];
  if (state.secret) found.push(...restSeparator(last('rest-api-separator')));
  const mechanism = settings.find(({ name, value }) => name === 'lt-cred-mech' && booleanOf(value));
  if (state.secret && mechanism !== undefined) {
    const message = 'with a shared secret, lt-cred-mech has no effect: user accounts are ignored';
    found.push(finding('unused-option', 'note', mechanism, message));
  }
  if ((last('realm')?.value ?? '') === '')
    found.push(
      finding(
        'missing-realm',
        'warning',
        last('realm'),
        'realm is not set: turnserver uses the domain name of the machine, or an empty realm',
      ),
    );
  return found;
}

/** The separator is the first character of the value. Each digit was tried on the real 4.6.1 and 4.18.0. */
function restSeparator(setting: Setting | undefined): Finding[] {
  const [first = ''] = setting?.value ?? '';
  if (!/\d/.test(first)) return [];
  const message = `with the separator "${first}", turnserver refuses all credentials made from the secret`;
  return [finding('rest-separator', 'error', setting, message)];
}

function decide(settings: readonly Setting[]): State {
  const state: State = { asked: false, longTerm: false, anonymous: false, secret: false, off: undefined };
  for (const setting of settings) {
    const on = booleanOf(setting.value) !== false;
    if (setting.name === 'lt-cred-mech') {
      Object.assign(state, { asked: on, longTerm: on, ...(on ? {} : { off: setting }) });
    } else if (setting.name === 'no-auth') {
      // Even no-auth=0 takes back what a line before it has switched on.
      Object.assign(state, { asked: false, anonymous: on, off: setting });
    } else if (setting.name === 'use-auth-secret' || setting.name === 'static-auth-secret') {
      Object.assign(state, { asked: true, longTerm: true, secret: true });
    }
  }
  return state;
}

function openRelay({ anonymous, off }: State, { isOn }: Configuration): Finding {
  if (anonymous) return finding('open-relay', 'error', off, 'no-auth: anyone can use the relay');
  if (off !== undefined)
    return finding(
      'open-relay',
      'error',
      off,
      `${off.name}=${off.value} disables authentication, including what earlier lines enabled`,
    );
  const oauth = isOn('oauth') ? ' (oauth alone does not require credentials)' : '';
  return finding(
    'open-relay',
    'error',
    undefined,
    `neither lt-cred-mech nor use-auth-secret is set, and no user can log in: anyone can use the relay${oauth}`,
  );
}

/** Why turnserver drops a `user` line; undefined if it does not. @see coturn, userdb.c, add_static_user_account(), and SASLprep() */
function complaint({ value }: Setting): string | undefined {
  const colon = value.indexOf(':');
  if (colon < 1 || colon === value.length - 1) return 'user must be NAME:PASSWORD, neither of them empty';
  // turnserver knows ASCII only: it looks at the bytes of a name, and UTF-8 has bytes that it takes for control characters or spaces.
  const [name, password] = [value.slice(0, colon), value.slice(colon + 1).trimStart()];
  if ([...Buffer.from(name)].some(isRefused))
    return 'this user cannot log in: turnserver cannot decode the name, or refuses its control characters';
  if (password.startsWith('0x') && !/^0x[0-9a-f]{32}/i.test(password))
    return 'this user cannot log in: a password that begins with 0x is a key, which has 32 hexadecimal digits';
  return undefined;
}

/** Refused (RFC 4013's control characters), or read as a space or not at all (U+00A0 and U+00AD in Latin-1). */
const isRefused = (byte: number) =>
  byte < 0x1f || (byte >= 0x7f && byte <= 0x9f) || byte === 0xa0 || byte === 0xad;

function invalidUser(setting: Setting): Finding[] {
  const why = complaint(setting);
  if (why !== undefined) return [finding('invalid-user', 'error', setting, why)];
  if (!/:\s/.test(setting.value)) return [];
  return [finding('invalid-user', 'warning', setting, 'turnserver ignores the spaces before the password')];
}

/** Of two accounts with one name the last one counts. */
function replacedUsers(users: readonly Setting[]): Finding[] {
  const nameOf = ({ value }: Setting) => value.slice(0, value.indexOf(':'));
  const usable = users.filter(isUsable);
  return usable
    .filter((user, index) =>
      usable.slice(index + 1).some((later) => nameOf(later) === nameOf(user) && later.value !== user.value),
    )
    .map((user) =>
      finding('repeated-option', 'error', user, `a later line gives ${nameOf(user)} another password`),
    );
}

function unusedUser(setting: Setting): Finding {
  const message = 'this user cannot log in: with a shared secret, turnserver ignores user accounts';
  return finding('unused-option', 'error', setting, message);
}
