import { parseSettings } from '../config/settings.ts';
import { type Check, complaints, expectValues, fail, type Verdict, value } from './check.ts';
import { type PackageFacts, serviceCalls } from './facts.ts';

/** Upgrades that must fail, and dpkg's status of the package afterwards: recipes/docker/deb/verify/upgrades.sh. */
const FAILING = [
  { name: 'truncated', status: 'installed', suffix: '' },
  { name: 'preinst-fails', status: 'installed', suffix: '' },
  // dpkg continues once the reason is fixed; that is tested, too.
  { name: 'postinst-fails', status: 'half-configured', suffix: '+3' },
] as const;

/** Upgrades of a running server that must succeed, and the resulting version. */
const SUCCEEDING = [
  { name: 'recovered', suffix: '+3' },
  { name: 'upgraded-running', suffix: '+4' },
  { name: 'upgrade', suffix: '' },
] as const;

function judgeFailures(facts: PackageFacts): Verdict {
  const found = expectValues(facts, { 'running.process': 'other', 'running.stun': 'answered' });
  for (const { name, status, suffix } of FAILING) {
    if (['0', 'unknown'].includes(value(facts, `${name}.exit`)))
      found.push(`${name}: the upgrade did not fail`);
    found.push(
      ...expectValues(facts, {
        [`${name}.package`]: `${status} ${facts.packageVersion}${suffix}`,
        [`${name}.process`]: 'same',
        [`${name}.stun`]: 'answered',
      }),
      // Starting a unit that is already running has no effect.
      ...serviceCalls(facts, name)
        .filter(({ command }) => command !== 'start')
        .map(({ script, command }) => `${name}: ${script} calls systemctl ${command}`),
    );
  }
  found.push(
    ...expectValues(facts, {
      'recovered.exit': '0',
      'recovered.package': `installed ${facts.packageVersion}+3`,
    }),
  );
  return complaints(
    found,
    `the same process kept answering after ${FAILING.length} failed upgrades; dpkg recovers`,
    {
      failed: FAILING.length,
    },
  );
}

function judgeRestarts(facts: PackageFacts): Verdict {
  const found = SUCCEEDING.flatMap(({ name, suffix }) => {
    const wanted = `postinst, half-configured ${facts.packageVersion}${suffix}: restart`;
    const calls = serviceCalls(facts, name).map(
      ({ script, state, command }) => `${script}, ${state}: ${command}`,
    );
    const wrong = expectValues(facts, {
      [`${name}.exit`]: '0',
      [`${name}.package`]: `installed ${facts.packageVersion}${suffix}`,
      [`${name}.process`]: 'other',
      [`${name}.stun`]: 'answered',
    });
    if (value(facts, `${name}.reload`) !== 'before')
      wrong.push(`${name}: systemd restarted the server before it reloaded the new unit`);
    if (calls.length !== 1 || calls[0] !== wanted)
      wrong.push(`${name}: systemctl calls: "${calls.join('; ')}" (expected "${wanted}")`);
    return wrong;
  });
  return complaints(found, `${SUCCEEDING.length} upgrades, one restart each, after configuration`, {
    upgrades: SUCCEEDING.length,
  });
}

/** The configuration lines that postinst reported as ignored by this turnserver, as `LINE NAME`. */
const reported = (log: string | undefined): string[] =>
  [...(log ?? '').matchAll(/turnserver\.conf line (\d+): this turnserver has no option "([^"]*)"/g)].map(
    ([, line, name]) => `${line} ${name}`,
  );

function judgeOptions(facts: PackageFacts): Verdict {
  const conf = facts.files.get('edited.conf');
  if (conf === undefined) return fail('the upgraded configuration is missing');
  const planted = parseSettings(conf)
    .filter(({ name }) => !facts.options.has(name))
    .map(({ line, name }) => `${line} ${name}`);
  const warned = reported(facts.files.get('upgrade.log'));
  // turnserver's own log decides which lines it ignores.
  const log = facts.files.get('upgraded.log') ?? '';
  const ignored = new Set(
    [...log.matchAll(/Bad configuration format: (\S*)/g)].map(([, name]) => name ?? ''),
  );
  const found = [
    ...planted.filter((each) => !warned.includes(each)).map((each) => `line ${each} is not reported`),
    ...warned.filter((each) => !planted.includes(each)).map((each) => `line ${each} is reported wrongly`),
    ...[...ignored]
      .filter((name) => !warned.some((each) => each.endsWith(` ${name}`)))
      .map((name) => `turnserver ignores ${name}, which is not reported`),
    ...warned
      .filter((each) => !ignored.has(each.replace(/^\d+ /, '')))
      .map((each) => `turnserver accepts line ${each}, which is reported`),
    ...reported(facts.files.get('install.log')).map(
      (each) => `line ${each} of the shipped configuration is reported`,
    ),
  ];
  if (planted.length < 2) found.push('the test configuration has no unknown options');
  if (!facts.files.has('install.log')) found.push('the installation log is missing');
  return complaints(found, `${warned.length} lines reported, exactly those that turnserver ignores`, {
    reported: warned.length,
  });
}

export const upgradeChecks: Check[] = [
  {
    id: 'install.options',
    needs: { phases: ['install', 'distribution'] },
    title: 'An upgrade reports exactly the configuration lines that this turnserver ignores',
    reason:
      'A misspelt denied-peer-ip or a removed no-cli fails open: turnserver ignores the line and only logs it.',
    judge: judgeOptions,
  },
  {
    id: 'install.failed-upgrade',
    needs: { phases: ['upgrades'] },
    title: 'A failed upgrade leaves the old server running',
    applies: ({ format }) => format === 'deb',
    reason: 'A truncated download or a full disk must not drop the calls of a working machine.',
    reference: 'https://www.debian.org/doc/debian-policy/ch-maintainerscripts.html',
    judge: judgeFailures,
  },
  {
    id: 'install.restart',
    needs: { phases: ['upgrades', 'distribution'] },
    title: 'An upgrade restarts a running server once, after its files are configured',
    applies: ({ format }) => format === 'deb',
    reason:
      'Each restart drops all calls; stopping before the new files are in place is an outage for the whole upgrade.',
    reference: 'https://manpages.debian.org/trixie/debhelper/dh_installsystemd.1.en.html',
    judge: judgeRestarts,
  },
];
