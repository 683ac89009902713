import type { Target } from '../recipe/schema.ts';
import { type Check, complaints, expectValues, value } from './check.ts';
import { serviceCalls } from './facts.ts';
import { blockedByInstallation, causeOfFailure, isInstalled } from './installation.ts';
import { judgeTree } from './tree-changes.ts';

/** Shells that refuse logins: those of base-passwd, and of older and newer adduser. */
const NO_LOGIN = /^(\/usr)?(\/bin\/false|\/s?bin\/nologin)$/;

const checks: Check[] = [
  {
    id: 'install.clean',
    needs: { phases: ['install'] },
    title: 'Installs in a minimal root of its distribution; apt resolves its dependencies',
    reason: 'A missing dependency shows only in a root where nothing else has installed it.',
    judge: (facts) => {
      const found = expectValues(facts, {
        'install.exit': '0',
        'install.status': 'installed',
        'install.version': facts.packageVersion,
        'install.group': 'turnserver',
        'install.database': 'turnserver:turnserver',
        'install.configuration': 'root:turnserver:640',
      });
      const shell = value(facts, 'install.user');
      if (!NO_LOGIN.test(shell)) found.push(`the service account has the login shell "${shell}"`);
      if (!value(facts, 'install.tables').includes('turnusers_lt'))
        found.push('the account database has no table turnusers_lt');
      if (value(facts, 'install.manual') === '') found.push('turnserver(1) is not installed');
      const unresolved = (facts.files.get('unresolved.txt') ?? 'the list is missing').trim();
      if (unresolved !== '') found.push(`libraries not found: ${unresolved}`);
      return { ...complaints(found, `${facts.packageVersion} installed`), ...causeOfFailure(facts) };
    },
  },
  {
    id: 'install.links',
    needs: { phases: ['install'] },
    title: "Reconfiguring the package as root follows no symlink in the server's folder",
    applies: ({ format }) => format === 'deb',
    reason:
      'The server owns the folder. If root writes or changes owners through a symlink in it, a compromised server becomes root at the next upgrade.',
    judge: (facts) =>
      isInstalled(facts)
        ? complaints(
            expectValues(facts, { 'install.links.exit': '0', 'install.links-followed': 'no' }),
            'a symlink from the database to a file of root was not followed',
            {},
          )
        : blockedByInstallation(facts.files.get('install.log') ?? ''),
  },
  {
    id: 'install.remove',
    needs: { phases: ['upgrades', 'purge'] },
    title: 'Remove stops the server and keeps the configuration; purge removes everything',
    reason: 'A server left running without its files works until it crashes, and then cannot be restarted.',
    judge: (facts) => {
      const found = expectValues(facts, {
        'remove.exit': '0',
        'remove.process': 'gone',
        'remove.configuration': 'kept',
        'remove.program': 'gone',
        'purge.exit': '0',
        'purge.status': 'gone',
      });
      const calls = serviceCalls(facts, 'remove').map(({ script, command }) => `${script}: ${command}`);
      if (calls.join() !== 'prerm: stop')
        found.push(`systemctl calls: "${calls.join('; ')}" (expected one stop, by prerm)`);
      return complaints(found, 'stopped once, by prerm');
    },
  },
  {
    id: 'install.purge',
    needs: { phases: ['shipped', 'upgrades', 'purge', 'distribution'] },
    title: 'A purge restores the previous state of the system (compared as piuparts does)',
    reason: 'Packages are also replaced in place, where leftovers can break a later installation.',
    reference: 'https://www.debian.org/doc/debian-policy/ch-files.html#log-files',
    judge: (facts) => {
      const trees = ['purge', 'upgrade-purge'].map((name) => judgeTree(facts, name));
      return complaints(
        [...expectValues(facts, { 'upgrade-purge.exit': '0' }), ...trees.flatMap(({ found }) => found)],
        'nothing left behind, changed or removed after installing and after upgrading',
        {
          paths: trees.reduce((sum, { paths }) => sum + paths, 0),
          ofOthers: trees.reduce((sum, { excepted }) => sum + excepted, 0),
        },
      );
    },
  },
  {
    id: 'install.upgrade',
    needs: { phases: ['distribution'] },
    title: "Upgrades the distribution's own coturn and keeps an edited configuration",
    reason: 'Most machines get this package as an upgrade, and a lost configuration is an outage.',
    judge: (facts) => {
      const found = expectValues(facts, {
        'distribution.exit': '0',
        'distribution.stun': 'answered',
        'upgrade.exit': '0',
        'upgrade.to': facts.packageVersion,
        'upgrade.status': 'installed',
        'upgrade.configuration': 'kept',
        'upgrade.initscript': 'gone',
        'upgraded.ready': 'yes',
      });
      return complaints(
        found,
        `${value(facts, 'upgrade.from')} -> ${value(facts, 'upgrade.to')}, edits kept, server starts`,
      );
    },
  },
];

/** How apt and dpkg install, upgrade and remove a .deb. */
export const lifecycleChecks: Check[] = checks.map((check) => ({
  ...check,
  applies: ({ format }: Target) => format === 'deb',
}));
