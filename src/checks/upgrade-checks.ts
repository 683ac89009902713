import { parseSettings } from '../config/settings.ts';
import { type Check, complaints, expectValues, fail, type Verdict, value } from './check.ts';
import { type PackageFacts, serviceCalls } from './facts.ts';

/** Upgrades that fail, and what dpkg may say of the package afterwards: recipes/docker/deb/verify/upgrades.sh. */
const FAILING = [
  { name: 'truncated', status: 'installed', suffix: '' },
  { name: 'preinst-fails', status: 'installed', suffix: '' },
  // dpkg goes on from here once the reason is gone; that is tried, too.
  { name: 'postinst-fails', status: 'half-configured', suffix: '+3' },
] as const;

/** Upgrades of a running server that succeed, and the version that they lead to. */
const SUCCEEDING = [
  { name: 'recovered', suffix: '+3' },
  { name: 'upgraded-running', suffix: '+4' },
  { name: 'upgrade', suffix: '' },
] as const;

function judgeFailures(facts: PackageFacts): Verdict {
  const found = expectValues(facts, { 'running.process': 'other', 'running.stun': 'answered' });
  for (const { name, status, suffix } of FAILING) {
    if (['0', 'unknown'].includes(value(facts, `${name}.exit`)))
      found.push(`${name}: the upgrade has not failed`);
    found.push(
      ...expectValues(facts, {
        [`${name}.package`]: `${status} ${facts.packageVersion}${suffix}`,
        [`${name}.process`]: 'same',
        [`${name}.stun`]: 'answered',
      }),
      // Starting what runs changes nothing.
      ...serviceCalls(facts, name)
        .filter(({ command }) => command !== 'start')
        .map(({ script, command }) => `${name}: ${script} asks for ${command}`),
    );
  }
  found.push(
    ...expectValues(facts, {
      'recovered.exit': '0',
      'recovered.package': `installed ${facts.packageVersion}+3`,
    }),
  );
  return complaints(found, `${FAILING.length} times the same process went on and answered; dpkg recovers`, {
    failed: FAILING.length,
  });
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
      wrong.push(`${name}: systemd was not told to read the new unit before it restarted the server`);
    if (calls.length !== 1 || calls[0] !== wanted)
      wrong.push(`${name}: systemd was asked for "${calls.join('; ')}", not "${wanted}"`);
    return wrong;
  });
  return complaints(found, `${SUCCEEDING.length} upgrades, one restart each, by the configured version`, {
    upgrades: SUCCEEDING.length,
  });
}

/** What postinst has reported: `LINE NAME` for each line of the configuration that this turnserver runs without. */
const reported = (log: string | undefined): string[] =>
  [...(log ?? '').matchAll(/turnserver\.conf line (\d+): this turnserver has no option "([^"]*)"/g)].map(
    ([, line, name]) => `${line} ${name}`,
  );

function judgeOptions(facts: PackageFacts): Verdict {
  const conf = facts.files.get('edited.conf');
  if (conf === undefined) return fail('the configuration that was upgraded is missing');
  const planted = parseSettings(conf)
    .filter(({ name }) => !facts.options.has(name))
    .map(({ line, name }) => `${line} ${name}`);
  const warned = reported(facts.files.get('upgrade.log'));
  // turnserver itself is the judge of what it doesn't understand.
  const log = facts.files.get('upgraded.log') ?? '';
  const ignored = new Set(
    [...log.matchAll(/Bad configuration format: (\S*)/g)].map(([, name]) => name ?? ''),
  );
  const found = [
    ...planted.filter((each) => !warned.includes(each)).map((each) => `nothing is said of line ${each}`),
    ...warned.filter((each) => !planted.includes(each)).map((each) => `line ${each} is reported wrongly`),
    ...[...ignored]
      .filter((name) => !warned.some((each) => each.endsWith(` ${name}`)))
      .map((name) => `turnserver ignores ${name}, of which nothing was said`),
    ...warned
      .filter((each) => !ignored.has(each.replace(/^\d+ /, '')))
      .map((each) => `turnserver has no complaint about line ${each}`),
    ...reported(facts.files.get('install.log')).map((each) => `line ${each} of the shipped configuration`),
  ];
  if (planted.length < 2) found.push('the configuration has no unknown options to be found');
  if (!facts.files.has('install.log')) found.push('the log of the installation is missing');
  return complaints(found, `${warned.length} lines, the very ones that turnserver ignores`, {
    reported: warned.length,
  });
}

export const upgradeChecks: Check[] = [
  {
    id: 'install.options',
    needs: { phases: ['install', 'distribution'] },
    title: 'An upgrade reports each line of the configuration that this turnserver ignores, and no other',
    reason:
      'A dropped or misspelt denied-peer-ip or no-cli fails open: turnserver runs without the line and says so in its log only.',
    judge: judgeOptions,
  },
  {
    id: 'install.failed-upgrade',
    needs: { phases: ['upgrades'] },
    title: 'An upgrade that fails leaves the old server running',
    applies: ({ format }) => format === 'deb',
    reason: 'A broken download or a full disk must not end the calls of a machine that was working.',
    reference: 'https://www.debian.org/doc/debian-policy/ch-maintainerscripts.html',
    judge: judgeFailures,
  },
  {
    id: 'install.restart',
    needs: { phases: ['upgrades', 'distribution'] },
    title: 'An upgrade restarts a running server once, when its files are in place and configured',
    applies: ({ format }) => format === 'deb',
    reason:
      'Each restart ends all calls; a stop before the files are there is an outage as long as the upgrade.',
    reference: 'https://manpages.debian.org/trixie/debhelper/dh_installsystemd.1.en.html',
    judge: judgeRestarts,
  },
];
