import type { Configuration } from './configuration.ts';
import { type Finding, finding } from './finding.ts';
import { booleanOf, type Setting } from './settings.ts';

/** How clients authenticate. */
export type Access =
  /** Without credentials. */
  | 'anonymous'
  /** With an account: a `user` line or a database entry. */
  | 'accounts'
  /** With credentials derived from a shared secret (TURN REST API). */
  | 'secret'
  /** Not at all: turnserver does not start. */
  | 'conflict';

/** turnserver's authentication state while it reads its file. */
interface State {
  asked: boolean;
  longTerm: boolean;
  anonymous: boolean;
  /** Whether a shared secret is in use; turnserver then ignores `user` lines. */
  secret: boolean;
  /** The last line that disabled credentials. */
  off: Setting | undefined;
}

/** How clients authenticate with this configuration. */
export function accessOf({ settings }: Configuration): Access {
  const state = decide(settings);
  if (state.longTerm && state.anonymous) return 'conflict';
  // If there is an account, turnserver enables lt-cred-mech itself.
  const byUser =
    !state.longTerm && !state.anonymous && !state.secret && settings.some((each) => isUsable(each));
  if (!state.asked && !byUser) return 'anonymous';
  return state.secret ? 'secret' : 'accounts';
}

/** Whether a line creates a valid account. It works only if clients authenticate with accounts. */
export function isUsable(setting: Setting): boolean {
  return setting.name === 'user' && complaint(setting) === undefined;
}

/**
 * Checks whether clients need credentials, line by line as turnserver decides it. `lt-cred-mech=0`, or `no-auth` with any value, after
 * `use-auth-secret` or `lt-cred-mech` disables credentials. All cases were tested with real 4.6.1 and 4.18.0 servers.
 * @see coturn, src/apps/relay/mainrelay.c, set_option(), cases 'a', 'z', AUTH_SECRET_OPT, and main()
 */
export function lintCredentials(configuration: Configuration): Finding[] {
  const { settings, last, isOn } = configuration;
  // turnserver then does not relay.
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

/**
 * The separator is the first character of the value. All digits were tested with real 4.6.1 and 4.18.0 servers.
 * @see coturn, src/apps/relay/userdb.c, get_rest_api_timestamp()
 */
function restSeparator(setting: Setting | undefined): Finding[] {
  const [first = ''] = setting?.value ?? '';
  if (!/\d/.test(first)) return [];
  const message = `with the separator "${first}", turnserver refuses credentials whose expiry time contains the digit ${first}`;
  return [finding('rest-separator', 'error', setting, message)];
}

function decide(settings: readonly Setting[]): State {
  const state: State = { asked: false, longTerm: false, anonymous: false, secret: false, off: undefined };
  for (const setting of settings) {
    const on = booleanOf(setting.value) !== false;
    if (setting.name === 'lt-cred-mech') {
      Object.assign(state, { asked: on, longTerm: on, ...(on ? {} : { off: setting }) });
    } else if (setting.name === 'no-auth') {
      // Even no-auth=0 disables what an earlier line enabled.
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

/** Why turnserver rejects a `user` line; undefined if it does not. @see coturn, userdb.c, add_static_user_account(), and SASLprep() */
function complaint({ value }: Setting): string | undefined {
  const colon = value.indexOf(':');
  if (colon < 1 || colon === value.length - 1) return 'user must be NAME:PASSWORD, neither of them empty';
  // turnserver examines single bytes, and takes some bytes of UTF-8 for control characters or spaces.
  const [name, password] = [value.slice(0, colon), value.slice(colon + 1).trimStart()];
  if ([...Buffer.from(name)].some(isRefused))
    return 'this user cannot log in: turnserver cannot decode the name, or refuses its control characters';
  if (password.startsWith('0x') && !/^0x[0-9a-f]{32}/i.test(password))
    return 'this user cannot log in: a password that begins with 0x is a key, which has 32 hexadecimal digits';
  return undefined;
}

/** Bytes that turnserver refuses (RFC 4013's control characters), reads as a space (U+00A0 in Latin-1) or skips (U+00AD). */
const isRefused = (byte: number) =>
  byte < 0x1f || (byte >= 0x7f && byte <= 0x9f) || byte === 0xa0 || byte === 0xad;

function invalidUser(setting: Setting): Finding[] {
  const why = complaint(setting);
  if (why !== undefined) return [finding('invalid-user', 'error', setting, why)];
  if (!/:\s/.test(setting.value)) return [];
  return [finding('invalid-user', 'warning', setting, 'turnserver ignores the spaces before the password')];
}

/** If two accounts have the same name, the last one wins. */
function replacedUsers(users: readonly Setting[]): Finding[] {
  const nameOf = ({ value }: Setting) => value.slice(0, value.indexOf(':'));
  const usable = users.filter(isUsable);
  return usable
    .filter((user, index) =>
      usable.slice(index + 1).some((later) => nameOf(later) === nameOf(user) && later.value !== user.value),
    )
    .map((user) =>
      finding('repeated-option', 'error', user, `a later line sets a different password for ${nameOf(user)}`),
    );
}

function unusedUser(setting: Setting): Finding {
  const message = 'this user cannot log in: with a shared secret, turnserver ignores user accounts';
  return finding('unused-option', 'error', setting, message);
}
