import type { Target } from '../recipe/schema.ts';
import { type Check, complaints, expectValues, type Verdict, value } from './check.ts';
import { type PackageFacts, serviceCalls } from './facts.ts';
import { causeOfFailure } from './installation.ts';
import { judgeRpmTree } from './tree-changes.ts';

const applies = ({ format }: Target) => format === 'rpm';
const SCRIPTLETS = 'https://docs.fedoraproject.org/en-US/packaging-guidelines/Scriptlets/';

/** The systemd calls of a step, without presets. */
function asked(facts: PackageFacts, step: string): string {
  return serviceCalls(facts, step)
    .map(({ command }) => command)
    .filter((command) => command !== 'preset')
    .join('; ');
}

/**
 * Errors of rpm and dnf about failed scriptlets. A failing %post stops neither: they warn and exit with 0.
 * @param steps names of logs
 */
function scriptletErrors(facts: PackageFacts, ...steps: string[]): string[] {
  return steps.flatMap((step) => {
    const log = facts.files.get(`${step}.log`) ?? '';
    const line = /^.*(?:Error in \w+ scriptlet|scriptlet failed).*$/m.exec(log)?.[0];
    return line === undefined ? [] : [`${step}: ${line.trim()}`];
  });
}

/** The last error in the log of a failed step. */
function errorOf(facts: PackageFacts, step: string): string[] {
  if (value(facts, `${step}.exit`) === '0') return [];
  const lines = (facts.files.get(`${step}.log`) ?? '').split('\n').filter((line) => /\berror\b/i.test(line));
  return lines.slice(-1).map((line) => `dnf: ${line.trim()}`);
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
  // A bootstrapped root has neither systemd nor shadow-utils, so dnf must install them. A given root may have everything.
  if (others.length === 0 && value(facts, 'install.root') !== 'given')
    found.push('dnf resolved no dependencies: it installed only the package itself');
  const good = `${facts.packageVersion} installed with ${others.length} required packages`;
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
  if (calls !== 'disable; stop') found.push(`systemctl calls: "${calls}" (expected "disable; stop")`);
  return complaints(found, 'disabled and stopped once');
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
    'nothing left behind, changed or removed except data and logs; an edited configuration is saved',
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
      found.push(`${name}: the upgrade did not fail`);
    found.push(
      ...expectValues(facts, {
        [`${name}.package`]: facts.packageVersion,
        [`${name}.process`]: 'same',
        [`${name}.stun`]: 'answered',
      }),
    );
    const calls = asked(facts, name);
    if (calls !== '') found.push(`${name}: systemctl calls: "${calls}" (expected none)`);
  }
  return complaints(found, 'the same process kept answering after both failed upgrades', { failed: 2 });
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
      ...(calls === 'try-restart' ? [] : [`${name}: systemctl calls: "${calls}" (expected "try-restart")`]),
    ];
  });
  return complaints(found, '2 upgrades, one restart each', { upgrades: 2 });
}

const checks: Check[] = [
  {
    id: 'install.clean',
    needs: { phases: ['install'] },
    title: 'Installs in a minimal rpm-managed root; dnf resolves its dependencies',
    reason: 'A missing dependency shows only in a root where nothing else has installed it.',
    judge: judgeInstallation,
  },
  {
    id: 'install.remove',
    needs: { phases: ['upgrades', 'purge'] },
    title: 'Erasing the package stops the server',
    reason: 'A server left running without its files works until it crashes, and then cannot be restarted.',
    reference: SCRIPTLETS,
    judge: judgeErasure,
  },
  {
    id: 'install.purge',
    needs: { phases: ['shipped', 'upgrades', 'purge', 'distribution'] },
    title: 'Erasing the package leaves only its data, its logs and an edited configuration',
    reason: 'Packages are also replaced in place, where leftovers can break a later installation.',
    judge: judgeLeftovers,
  },
  {
    id: 'install.upgrade',
    needs: { phases: ['upgrades', 'distribution'] },
    title: "Upgrades an older coturn with EPEL's layout, keeping the accounts and an edited configuration",
    reason: 'Most machines get this package as an upgrade, and a lost configuration is an outage.',
    judge: judgeUpgrade,
  },
  {
    id: 'install.failed-upgrade',
    needs: { phases: ['upgrades'] },
    title: 'A failed upgrade leaves the old server running',
    reason: 'A truncated download or a failing scriptlet must not drop the calls of a working machine.',
    reference: SCRIPTLETS,
    judge: judgeFailures,
  },
  {
    id: 'install.restart',
    needs: { phases: ['upgrades', 'distribution'] },
    title: 'An upgrade restarts a running server once',
    reason: 'Each restart drops all calls.',
    reference: SCRIPTLETS,
    judge: judgeRestarts,
  },
];

/** How dnf and rpm install, upgrade and erase an .rpm. The ids are those of the corresponding checks of a .deb. */
export const rpmChecks: Check[] = checks.map((check) => ({ ...check, applies }));
