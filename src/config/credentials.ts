import type { Configuration } from './configuration.ts';
import { type Finding, finding } from './finding.ts';
import { booleanOf, type Setting } from './settings.ts';

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

/**
 * Whether credentials are asked for, line by line as turnserver decides it: `lt-cred-mech=0` or `no-auth`, with whatever value,
 * behind `use-auth-secret` or `lt-cred-mech` switches credentials off. Each case was tried on the real 4.6.1 and 4.18.0.
 * @see coturn, src/apps/relay/mainrelay.c, set_option(), cases 'a', 'z', AUTH_SECRET_OPT, and main()
 */
export function lintCredentials(configuration: Configuration): Finding[] {
  const { settings, last, isOn } = configuration;
  // It serves no relays then.
  if (isOn('stun-only')) return [];
  const users = settings.filter(({ name, value }) => name === 'user' && value !== '');
  const found = users.filter((user) => !isAccount(user)).map(invalidUser);
  const state = decide(settings);
  if (state.longTerm && state.anonymous)
    return [
      ...found,
      finding('conflict', 'error', state.off, 'no-auth and credentials cannot be used together'),
    ];
  // With an account turnserver switches lt-cred-mech on by itself.
  const byUser = !state.longTerm && !state.anonymous && !state.secret && users.some(isAccount);
  if (!state.asked && !byUser) return [...found, openRelay(state, configuration)];
  if ((last('realm')?.value ?? '') === '')
    found.push(
      finding(
        'missing-realm',
        'warning',
        last('realm'),
        'realm is not set: it is the domain of the machine, or empty',
      ),
    );
  return found;
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
  if (anonymous) return finding('open-relay', 'error', off, 'no-auth lets everybody in');
  if (off !== undefined)
    return finding(
      'open-relay',
      'error',
      off,
      `${off.name}=${off.value} switches credentials off, those of the lines before it, too`,
    );
  const oauth = isOn('oauth') ? ' (oauth alone asks nobody)' : '';
  return finding(
    'open-relay',
    'error',
    undefined,
    `neither lt-cred-mech nor use-auth-secret is set, and there is no user${oauth}`,
  );
}

/** @see coturn, src/apps/relay/userdb.c, add_static_user_account() */
function isAccount({ value }: Setting): boolean {
  return /^[^:]+:.+$/s.test(value);
}

function invalidUser(setting: Setting): Finding {
  return finding(
    'invalid-user',
    'error',
    setting,
    'user is NAME:PASSWORD, with something on both sides of the colon',
  );
}
