import { isPlaceholder } from '../../config/placeholders.ts';
import { PUBLISHED } from '../../config/secrets.ts';
import { parseSettings } from '../../config/settings.ts';
import { about } from './about.ts';
import { type DiskFacts, hasSsh } from './disk-facts.ts';

/** Complaints about accounts and groups with a password. */
export function judgePasswords({ passwords, users }: DiskFacts): string[] {
  const accounts = passwords.filter(({ database }) => database === 'shadow');
  if (!accounts.some(({ name }) => name === 'root')) return ['the passwords of accounts are unknown'];
  const bad = passwords.filter(
    // A group without a password can be joined by its members only.
    ({ database, state }) => state !== 'locked' && !(database === 'gshadow' && state === 'empty'),
  );
  const unshadowed = users.filter(({ password }) => password !== 'x' && password !== '*');
  return [
    ...about(
      bad.map(
        ({ database, name, state }) => `${name} (${state === 'empty' ? 'empty' : 'set'}, /etc/${database})`,
      ),
      'account with a password',
    ),
    ...about(
      unshadowed.map(({ name }) => name),
      'account with a password in /etc/passwd',
    ),
  ];
}

/** Programs that end a session at once. */
const NO_LOGIN = /^(|\/usr)\/s?bin\/(nologin|false|sync)$/;
const SHELLS = new Set(['root']);

/** Who logs in by SSH on EC2, with the instance's key pair. */
const ADMIN = 'admin';

/** Complaints about accounts that can log in. */
export function judgeShells(facts: DiskFacts): string[] {
  const { cloud, users } = facts;
  if (users.length === 0) return ['the accounts are unknown'];
  const logsIn = (name: string) => SHELLS.has(name) || (cloud === 'aws' && name === ADMIN && hasSsh(facts));
  const roots = users.filter(({ name, uid }) => uid === 0 && name !== 'root');
  const shells = users.filter(({ name, shell }) => !NO_LOGIN.test(shell) && !logsIn(name));
  return [
    ...about(
      shells.map(({ name, shell }) => `${name} (${shell === '' ? '/bin/sh' : shell})`),
      'account with a login shell',
    ),
    ...about(
      roots.map(({ name }) => name),
      'account with the rights of root',
    ),
  ];
}

/** Settings whose value is a secret. turn-agent gets them from the machine's settings at its first boot. */
const SECRET =
  /^(static-auth-secret|stateless-nonce-secret|user|lt-cred-mech-user|cli-password|pkey-pwd|(mysql|psql|mongo|redis)-userdb|redis-statsdb)$/;
/** Whether a value, or a part of it such as a user's password, is a published example. */
const isExample = (value: string) => value.split(/[:=\s]+/).some((part) => PUBLISHED.has(part.toLowerCase()));

/** Complaints about secrets in configuration files. */
export function judgeConfiguration({ configurations }: DiskFacts): string[] {
  if (![...configurations.keys()].some((name) => name.endsWith('base.conf')))
    return ['the configuration from which turn-agent starts is missing'];
  return [...configurations].flatMap(([name, text]) => {
    const settings = parseSettings(text);
    const secrets = settings.filter((each) => SECRET.test(each.name)).map((each) => each.name);
    const examples = settings.filter(({ value }) => isExample(value)).map((each) => each.name);
    const unfilled = settings.filter(({ value }) => isPlaceholder(value)).map((each) => each.name);
    return [
      ...about([...new Set(secrets)], `${name} sets a secret`),
      ...about([...new Set(examples)], `${name} has a well-known example secret`),
      ...about([...new Set(unfilled)], `${name} has a placeholder`),
    ];
  });
}
