import { lintConfig } from '../../config/lint.ts';
import { parseSettings } from '../../config/settings.ts';
import { type Check, complaints, fail, pass } from './check.ts';
import type { PackageFacts } from './facts.ts';

const value = (facts: PackageFacts, name: string) => facts.values.get(name) ?? 'unknown';

/** Complaints for each fact that isn't what it must be. */
function expectValues(facts: PackageFacts, expected: Record<string, string>): string[] {
  return Object.entries(expected)
    .filter(([name, wanted]) => value(facts, name) !== wanted)
    .map(([name, wanted]) => `${name} is "${value(facts, name)}", not "${wanted}"`);
}

/** systemd's exposure score, 0 (best) to 10, that the unit may have at most. */
const MAX_EXPOSURE = 1.6;

export const packageChecks: Check[] = [
  {
    id: 'package.lintian',
    title: 'lintian has no errors and no warnings',
    reason: 'It knows Debian policy: paths, permissions, maintainer scripts, relations.',
    reference: 'https://wiki.debian.org/Lintian',
    judge: ({ inspected }) => {
      const lines = (inspected.lintian ?? '').split('\n').filter((line) => line.trim() !== '');
      const code = inspected.lintianExit?.trim();
      // lintian(1): 0 without tags of weight, 2 with some, anything else when it could not do its work.
      if (inspected.lintian === undefined || (code !== '0' && code !== '2'))
        return fail(`lintian did not run to its end: exit code ${code ?? 'unknown'}`);
      const bad = lines.filter((line) => /^[EW]: /.test(line));
      const overridden = lines.filter((line) => line.startsWith('O: ')).length;
      return complaints(bad, 'no errors, no warnings', { errors: bad.length, overridden });
    },
  },
  {
    id: 'package.unit',
    title: `systemd exposure of the unit is at most ${MAX_EXPOSURE}`,
    reason:
      'The server parses packets from the whole internet; what it can do after a break-in is up to the unit.',
    reference: 'https://www.freedesktop.org/software/systemd/man/systemd-analyze.html',
    judge: ({ inspected }) => {
      const exposure = Number(
        /Overall exposure level[^:]*:\s*([\d.]+)/.exec(inspected.systemd ?? '')?.[1] ?? Number.NaN,
      );
      if (Number.isNaN(exposure)) return fail('systemd-analyze gave no exposure level for coturn.service');
      const message = `exposure ${exposure}`;
      return exposure <= MAX_EXPOSURE
        ? pass(message, { exposure })
        : fail(`${message} is above ${MAX_EXPOSURE}`, { exposure });
    },
  },
  {
    id: 'package.unit-settings',
    title: 'The unit waits for the network, restarts, and has descriptors for the relay range',
    reason:
      'Without the network turnserver finds no addresses; with too few descriptors calls fail under load.',
    judge: ({ inspected }) => {
      const unit = inspected.unit ?? '';
      const wanted = [
        /^After=.*network-online\.target/m,
        /^Wants=.*network-online\.target/m,
        /^Restart=on-failure/m,
        /^StartLimitIntervalSec=0$/m,
        /^LimitNOFILE=\d+/m,
        /^IPAddressDeny=.*169\.254\.169\.254/m,
      ];
      const files = Number(/^LimitNOFILE=(\d+)/m.exec(unit)?.[1] ?? 0);
      const conf = inspected.configuration ?? '';
      const ports =
        Number(/^max-port=(\d+)/m.exec(conf)?.[1] ?? 0) - Number(/^min-port=(\d+)/m.exec(conf)?.[1] ?? 0) + 1;
      const missing = wanted
        .filter((pattern) => !pattern.test(unit))
        .map((pattern) => `nothing matches ${pattern.source}`);
      if (files < 2 * ports + 1000) missing.push(`LimitNOFILE=${files} is too low for ${ports} relay ports`);
      return complaints(missing, 'all there', { files, ports });
    },
  },
  {
    id: 'package.configuration',
    title: 'The shipped configuration uses only options of this very version, and denies internal peers',
    reason:
      'turnserver only warns about an unknown line and runs without it: a misspelt denied-peer-ip is an open relay.',
    reference: 'https://github.com/coturn/coturn/blob/master/examples/etc/turnserver.conf',
    judge: ({ inspected, options, version }) => {
      const conf = inspected.configuration ?? '';
      const used = parseSettings(conf);
      const table = [...options].map((name) => ({ name, value: 'optional' as const, conditions: [] }));
      const found = lintConfig(conf, { version, options: table, removed: [] })
        .filter(({ level }) => level !== 'note')
        .map(({ line, message }) => (line === undefined ? message : `line ${line}: ${message}`));
      for (const name of [
        'allowed-peer-ip',
        'user',
        'static-auth-secret',
        'cli-password',
        'no-auth',
        'allow-loopback-peers',
      ]) {
        if (used.some((option) => option.name === name)) found.push(`${name} is set`);
      }
      return complaints(found, `${used.length} settings, all known to this version`, {
        settings: used.length,
      });
    },
  },
  {
    id: 'install.clean',
    title: 'Installs in a minimal root of its distribution, dependencies resolved by apt',
    reason:
      'A dependency that is missing, or not in this distribution, shows only where nothing else has installed it before.',
    judge: (facts) => {
      const found = expectValues(facts, {
        'install.exit': '0',
        'install.status': 'installed',
        'install.version': facts.packageVersion,
        'install.group': 'turnserver',
        'install.user': '/bin/false',
        'install.database': 'turnserver:turnserver',
        'install.configuration': 'root:turnserver:640',
      });
      if (!value(facts, 'install.tables').includes('turnusers_lt'))
        found.push('the account database has no table turnusers_lt');
      if (value(facts, 'install.manual') === '') found.push('turnserver(1) is not installed');
      const unresolved = (facts.files.get('unresolved.txt') ?? 'the list is missing').trim();
      if (unresolved !== '') found.push(`libraries not found: ${unresolved}`);
      return complaints(found, `${facts.packageVersion} installed`);
    },
  },
  {
    id: 'install.remove',
    title: 'Remove keeps the configuration, purge leaves nothing behind',
    reason:
      "Machines are thrown away and rebuilt, but packages are also replaced in place: leftovers become tomorrow's surprise.",
    judge: (facts) => {
      const found = expectValues(facts, {
        'remove.exit': '0',
        'remove.configuration': 'kept',
        'remove.program': 'gone',
        'purge.exit': '0',
        'purge.status': 'gone',
      });
      const left = (facts.files.get('leftovers.txt') ?? 'the list is missing').trim();
      if (left !== '') found.push(`left behind: ${left.replaceAll('\n', ' ')}`);
      return complaints(found, 'nothing left behind');
    },
  },
  {
    id: 'install.upgrade',
    title: "Upgrades the distribution's own coturn and keeps an edited configuration",
    reason: 'That is how most machines will meet this package; a lost configuration is an outage.',
    judge: (facts) => {
      const found = expectValues(facts, {
        'distribution.exit': '0',
        'upgrade.exit': '0',
        'upgrade.to': facts.packageVersion,
        'upgrade.status': 'installed',
        'upgrade.configuration': 'kept',
        'upgrade.initscript': 'gone',
        'upgraded.ready': 'yes',
        'upgrade-purge.exit': '0',
      });
      return complaints(
        found,
        `${value(facts, 'upgrade.from')} -> ${value(facts, 'upgrade.to')}, edits kept, server starts`,
      );
    },
  },
];
