import type { Target } from '../recipe/schema.ts';
import { type Check, complaints, expectValues, value } from './check.ts';
import { serviceCalls } from './facts.ts';
import { blockedByInstallation, causeOfFailure, isInstalled } from './installation.ts';
import { judgeTree } from './tree-changes.ts';

/** Shells that let nobody in: base-passwd's, and those of older and newer adduser. */
const NO_LOGIN = /^(\/usr)?(\/bin\/false|\/s?bin\/nologin)$/;

const checks: Check[] = [
  {
    id: 'install.clean',
    needs: { phases: ['install'] },
    title: 'Installs in a minimal root of its distribution, dependencies resolved by apt',
    reason:
      'A dependency that is missing, or not in this distribution, shows only where nothing else has installed it before.',
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
      if (!NO_LOGIN.test(shell)) found.push(`the login shell of the service's account is "${shell}"`);
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
    title: 'Configuring the package again as root follows no link in the folder of the server',
    applies: ({ format }) => format === 'deb',
    reason:
      'The folder belongs to the server. If root writes or changes owners through a link in it, a server that was taken over becomes root at the next upgrade.',
    judge: (facts) =>
      isInstalled(facts)
        ? complaints(
            expectValues(facts, { 'install.links.exit': '0', 'install.links-followed': 'no' }),
            'a link from the database to a file of root was not followed',
            {},
          )
        : blockedByInstallation(facts.files.get('install.log') ?? ''),
  },
  {
    id: 'install.remove',
    needs: { phases: ['upgrades', 'purge'] },
    title: 'Remove stops the server and keeps the configuration, purge takes the package away',
    reason:
      'A server that runs on without its files serves until the next crash, and nobody knows why it ends.',
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
        found.push(`systemd was asked for "${calls.join('; ')}", not one stop`);
      return complaints(found, 'stopped once, by prerm');
    },
  },
  {
    id: 'install.purge',
    needs: { phases: ['shipped', 'upgrades', 'purge', 'distribution'] },
    title: 'After a purge the system is as it was before, as piuparts compares it',
    reason:
      "Machines are thrown away and rebuilt, but packages are also replaced in place: leftovers become tomorrow's surprise.",
    reference: 'https://www.debian.org/doc/debian-policy/ch-files.html#log-files',
    judge: (facts) => {
      const trees = ['purge', 'upgrade-purge'].map((name) => judgeTree(facts, name));
      return complaints(
        [...expectValues(facts, { 'upgrade-purge.exit': '0' }), ...trees.flatMap(({ found }) => found)],
        'nothing left, changed or gone, after an installation and after an upgrade',
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
    reason: 'That is how most machines will meet this package; a lost configuration is an outage.',
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

/** What dpkg and apt make of a .deb. */
export const lifecycleChecks: Check[] = checks.map((check) => ({
  ...check,
  applies: ({ format }: Target) => format === 'deb',
}));
