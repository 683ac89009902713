import type { Target } from '../recipe/schema.ts';
import { type Check, complaints, expectValues, type Verdict, value } from './check.ts';
import { type PackageFacts, serviceCalls } from './facts.ts';
import { causeOfFailure } from './installation.ts';
import { judgeRpmTree } from './tree-changes.ts';

const applies = ({ format }: Target) => format === 'rpm';
const SCRIPTLETS = 'https://docs.fedoraproject.org/en-US/packaging-guidelines/Scriptlets/';

/** What systemd was asked for in a step, beside taking notice of units. */
function asked(facts: PackageFacts, step: string): string {
  return serviceCalls(facts, step)
    .map(({ command }) => command)
    .filter((command) => command !== 'preset')
    .join('; ');
}

/**
 * What rpm and dnf have said of scriptlets that failed. A %post that fails ends neither of them: they warn, and exit with 0.
 * @param steps names of logs
 */
function scriptletErrors(facts: PackageFacts, ...steps: string[]): string[] {
  return steps.flatMap((step) => {
    const log = facts.files.get(`${step}.log`) ?? '';
    const line = /^.*(?:Error in \w+ scriptlet|scriptlet failed).*$/m.exec(log)?.[0];
    return line === undefined ? [] : [`${step}: ${line.trim()}`];
  });
}

/** The last error of a log, for a step that has failed. */
function errorOf(facts: PackageFacts, step: string): string[] {
  if (value(facts, `${step}.exit`) === '0') return [];
  const lines = (facts.files.get(`${step}.log`) ?? '').split('\n').filter((line) => /\berror\b/i.test(line));
  return lines.slice(-1).map((line) => `dnf said: ${line.trim()}`);
}

function judgeInstallation(facts: PackageFacts): Verdict {
  const found = expectValues(facts, {
    'install.exit': '0',
    'install.version': facts.packageVersion,
    'install.group': 'coturn',
    'install.user': '/sbin/nologin',
    'install.state': 'coturn:coturn:770',
    'install.configuration': 'root:coturn:640',
    'rpm-verify.exit': '0',
  });
  found.push(...errorOf(facts, 'install'), ...scriptletErrors(facts, 'install'));
  if (value(facts, 'install.manual') === '') found.push('turnserver(1) is not installed');
  const unresolved = (facts.files.get('unresolved.txt') ?? 'the list is missing').trim();
  if (unresolved !== '') found.push(`libraries not found: ${unresolved}`);
  const others = (facts.files.get('installed.packages') ?? '')
    .split('\n')
    .filter((name) => name !== '' && !name.startsWith('coturn-'));
  // The root that is made has neither systemd nor the tools that make accounts: dnf has to find them. One that is given may have all.
  if (others.length === 0 && value(facts, 'install.root') !== 'given')
    found.push('dnf has resolved no requires: nothing else came with the package');
  const good = `${facts.packageVersion} installed, with ${others.length} packages that it requires`;
  return { ...complaints(found, good, { required: others.length }), ...causeOfFailure(facts) };
}

function judgeErasure(facts: PackageFacts): Verdict {
  const found = expectValues(facts, {
    'remove.exit': '0',
    'remove.process': 'gone',
    'remove.program': 'gone',
    'remove.status': '',
  });
  found.push(...errorOf(facts, 'remove'), ...scriptletErrors(facts, 'remove'));
  const calls = asked(facts, 'remove');
  if (calls !== 'disable; stop') found.push(`systemd was asked for "${calls}", not for "disable; stop"`);
  return complaints(found, 'disabled and stopped, once');
}

function judgeLeftovers(facts: PackageFacts): Verdict {
  const trees = ['purge', 'upgrade-purge'].map((name) => judgeRpmTree(facts, name));
  return complaints(
    [
      ...expectValues(facts, {
        'upgrade-remove.exit': '0',
        'upgrade-remove.saved': 'saved',
        'upgrade-remove.new': 'there',
      }),
      ...trees.flatMap(({ found }) => found),
    ],
    'nothing left, changed or gone but data and logs; an edited configuration is saved',
    {
      paths: trees.reduce((sum, { paths }) => sum + paths, 0),
      ofOthers: trees.reduce((sum, { excepted }) => sum + excepted, 0),
    },
  );
}

function judgeUpgrade(facts: PackageFacts): Verdict {
  const found = expectValues(facts, {
    'distribution.exit': '0',
    'distribution.stun': 'answered',
    'upgrade.exit': '0',
    'upgrade.to': facts.packageVersion,
    'upgrade.utils': 'replaced',
    'upgrade.configuration': 'kept',
    'upgrade.account': '1',
    'upgraded.ready': 'yes',
  });
  found.push(...errorOf(facts, 'upgrade'), ...scriptletErrors(facts, 'upgrade', 'upgraded-running'));
  return complaints(
    found,
    `${value(facts, 'upgrade.from')} -> ${value(facts, 'upgrade.to')}: edits and accounts kept, coturn-utils replaced, server starts`,
  );
}

function judgeFailures(facts: PackageFacts): Verdict {
  const found = expectValues(facts, { 'running.process': 'other', 'running.stun': 'answered' });
  for (const name of ['truncated', 'pre-fails']) {
    if (['0', 'unknown'].includes(value(facts, `${name}.exit`)))
      found.push(`${name}: the upgrade has not failed`);
    found.push(
      ...expectValues(facts, {
        [`${name}.package`]: facts.packageVersion,
        [`${name}.process`]: 'same',
        [`${name}.stun`]: 'answered',
      }),
    );
    const calls = asked(facts, name);
    if (calls !== '') found.push(`${name}: systemd was asked for "${calls}"`);
  }
  return complaints(found, 'twice the same process went on and answered', { failed: 2 });
}

function judgeRestarts(facts: PackageFacts): Verdict {
  const found = ['upgraded-running', 'upgrade'].flatMap((name) => {
    const calls = asked(facts, name);
    return [
      ...expectValues(facts, {
        [`${name}.exit`]: '0',
        [`${name}.process`]: 'other',
        [`${name}.stun`]: 'answered',
      }),
      ...(calls === 'try-restart'
        ? []
        : [`${name}: systemd was asked for "${calls}", not for "try-restart"`]),
    ];
  });
  return complaints(found, '2 upgrades, one restart each', { upgrades: 2 });
}

const checks: Check[] = [
  {
    id: 'install.clean',
    needs: { phases: ['install'] },
    title: 'Installs in a minimal root that rpm manages, requires resolved by dnf',
    reason: 'A requirement that nothing provides shows only where nothing else has installed it before.',
    judge: judgeInstallation,
  },
  {
    id: 'install.remove',
    needs: { phases: ['upgrades', 'purge'] },
    title: 'Erasing the package stops the server',
    reason:
      'A server that runs on without its files serves until the next crash, and nobody knows why it ends.',
    reference: SCRIPTLETS,
    judge: judgeErasure,
  },
  {
    id: 'install.purge',
    needs: { phases: ['shipped', 'upgrades', 'purge', 'distribution'] },
    title:
      'Once erased, nothing is left of the package but its data, its logs, and a configuration that was edited',
    reason:
      "Machines are thrown away and rebuilt, but packages are also replaced in place: leftovers become tomorrow's surprise.",
    judge: judgeLeftovers,
  },
  {
    id: 'install.upgrade',
    needs: { phases: ['upgrades', 'distribution'] },
    title:
      'Upgrades an older coturn in the layout of EPEL, and keeps an edited configuration and the accounts',
    reason: 'That is how most machines will meet this package; a lost configuration is an outage.',
    judge: judgeUpgrade,
  },
  {
    id: 'install.failed-upgrade',
    needs: { phases: ['upgrades'] },
    title: 'An upgrade that fails leaves the old server running',
    reason:
      'A broken download or a scriptlet that fails must not end the calls of a machine that was working.',
    reference: SCRIPTLETS,
    judge: judgeFailures,
  },
  {
    id: 'install.restart',
    needs: { phases: ['upgrades', 'distribution'] },
    title: 'An upgrade restarts a running server once',
    reason: 'Each restart ends all calls.',
    reference: SCRIPTLETS,
    judge: judgeRestarts,
  },
];

/** What rpm and dnf make of an .rpm. The names are those of the same promises for a .deb. */
export const rpmChecks: Check[] = checks.map((check) => ({ ...check, applies }));
