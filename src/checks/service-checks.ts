import type { ServiceFacts } from '../lab/facts.ts';
import { blocked, type Check, complaints, fail, notApplicable, pass, type Verdict } from './check.ts';
import { labCheck } from './lab-check.ts';
import { strangeSockets } from './sockets.ts';
import { installedComplaints } from './unit-fragments.ts';

/** A check of the unit. If the unit did not start, all checks but that of the start are blocked. */
function serviceCheck({
  judge,
  scenario = 'service',
  ...check
}: Omit<Parameters<typeof labCheck>[0], 'scenarios' | 'judge'> & {
  scenario?: 'service' | 'metadata' | 'drain' | 'reload';
  judge: (service: ServiceFacts) => Verdict;
}): Check {
  const isStart = check.id === 'service.start';
  return labCheck({
    ...check,
    scenarios: [scenario],
    judge: ({ service }) =>
      !isStart && service.state !== 'active' && service.state !== 'not tried'
        ? blocked('service.start', `the unit is ${service.state}`)
        : judge(service),
  });
}

const EMULATED = 'under QEMU, so without MemoryDenyWriteExecute and SystemCallFilter';

type Reached = ServiceFacts['reached'];

function judgeMetadata({ reached }: ServiceFacts): Verdict {
  const metadata = reached.filter(({ kind }) => kind === 'metadata');
  const found = metadata
    .filter(({ packets }) => packets > 0)
    .map(({ peer, packets, by }) => `${packets} datagrams left for ${peer}, sent by a ${by}`);
  for (const family of ['IPv4', 'IPv6'])
    found.push(
      ...unproved(
        family,
        reached.filter(({ peer }) => peer.includes(':') === (family === 'IPv6')),
      ),
    );
  // Newer versions refuse metadata addresses in any configuration, so only the unit's process can show that the unit blocks them.
  const refused = metadata.filter(({ by, permission }) => by === 'relay' && permission !== 'success').length;
  const relays = refused > 0 ? `; turnserver itself refuses ${refused} of them` : '';
  return complaints(
    found,
    `no datagram was sent to the metadata addresses, although the configuration allows every peer${relays}`,
    {
      addresses: new Set(metadata.map(({ peer }) => peer)).size,
      controls: new Set(reached.filter(({ kind }) => kind === 'control').map(({ peer }) => peer)).size,
    },
  );
}

/** Results that prove nothing: an address was not tried, or the control address beside it was not reached either. */
function unproved(family: string, reached: Reached): string[] {
  return (['relay', 'process'] as const).flatMap((way) => {
    const own = reached.filter(({ by }) => by === way);
    if (!own.some(({ kind }) => kind === 'metadata'))
      return [`no ${family} metadata address was tried by a ${way}`];
    const controls = own.filter(({ kind }) => kind === 'control');
    const refused = (each: Reached) => each.filter(({ permission = 'success' }) => permission !== 'success');
    // If the control is refused as well, turnserver itself refuses such addresses in any configuration.
    if (controls.length > 0 && refused(controls).length === controls.length) return [];
    // Otherwise the configuration blocked the metadata addresses, not the unit.
    const denied = refused(own.filter(({ kind }) => kind === 'metadata'));
    if (denied.length > 0)
      return denied.map(
        ({ peer, permission }) =>
          `a permission for ${peer} was answered with ${permission}, so the unit was not tested`,
      );
    return controls.some(({ packets }) => packets > 0)
      ? []
      : [
          `the control failed: a neighbouring ${family} address was not reached by a ${way}, so the result proves nothing`,
        ];
  });
}

/** Time from a client's first request until it gives up (RFC 8489, 6.2.1). */
const CLIENT_PATIENCE_SECONDS = 39.5;
/** Seconds that a unit may take to stop after its last session or its deadline: coturn 4.18.0 takes 11 s to notice that all have ended. */
const SLACK_SECONDS = 30;

function judgeDrain({ drain }: ServiceFacts): Verdict {
  if (drain === undefined) return fail('no stop during a session was tried');
  const { deadline, session, vanished } = drain;
  const { newcomer, sent, received } = session;
  const found: string[] = [];
  if (!/^\d+$/.test(newcomer))
    found.push(`during the stop, a new client's allocation was answered with ${newcomer}`);
  if (sent === 0 || received < sent)
    found.push(`${sent - received} of ${sent} messages were lost during the stop`);
  if (session.seconds > SLACK_SECONDS)
    found.push(`the unit took ${session.seconds} s to stop after the last session`);
  if (vanished.seconds > deadline + SLACK_SECONDS)
    found.push(`with a vanished client, a stop took ${vanished.seconds} s; the deadline is ${deadline} s`);
  const bad = [session.result, vanished.result].filter((result) => result !== 'success');
  if (bad.length > 0) found.push(`the result of the unit is ${bad.join(', ')}`);
  return complaints(
    found,
    `${received} of ${sent} messages relayed during the stop; a new client was answered with ${newcomer}`,
    { messages: sent, lost: sent - received, deadline, 'seconds with a vanished client': vanished.seconds },
  );
}

function judgeReload({ reload }: ServiceFacts): Verdict {
  if (reload === undefined) return fail('no reload was tried');
  const { asked, before, after, files, sent, received, sameProcess } = reload;
  const found: string[] = [];
  if (asked !== 'success') found.push(`systemctl reload: ${asked}`);
  if (files.before === files.after) found.push('the certificate was not replaced');
  if (before !== files.before) found.push(`before the reload, a TLS connection got ${before}`);
  if (after === files.before) found.push('after the reload, TLS still serves the old certificate');
  else if (after !== files.after) found.push(`after the reload, a TLS connection got ${after}`);
  if (sent === 0 || received < sent)
    found.push(`${sent - received} of ${sent} messages were lost after the reload`);
  if (!sameProcess) found.push('turnserver did not survive the reload');
  return complaints(found, `the new certificate is served; ${received} of ${sent} messages were relayed`, {
    messages: sent,
    lost: sent - received,
  });
}

const TURNSERVER = '/usr/bin/turnserver';
/** systemd changes the unit's root to /target; the kernel may report the path from outside or inside. */
const PROGRAM = new RegExp(`^(/target)?${TURNSERVER}$`);

/** The bit of the only capability that a server may need: for ports below 1024 (linux/capability.h). */
const NET_BIND_SERVICE = 1n << 10n;

/** Complaints about a process of the unit. */
function processComplaints(
  {
    program,
    words,
    uid,
    uids = [uid],
    capabilities = '0',
  }: NonNullable<ServiceFacts['seen']>['processes'][number],
  emulated: boolean,
): string[] {
  const more = BigInt(`0x${capabilities}`) & ~NET_BIND_SERVICE;
  const isServer =
    PROGRAM.test(program) || (emulated && /\/qemu-[^/]+$/.test(program) && words.includes(TURNSERVER));
  return [
    ...(isServer ? [] : [`${program} runs in the unit`]),
    ...(uid === 0 ? [`${program} runs as root`] : []),
    ...(uid !== 0 && uids.includes(0) ? [`${program} can become root`] : []),
    ...(uid === 0 || more === 0n ? [] : [`${program} has capabilities (${more.toString(16)})`]),
  ];
}

/** The package's own unit under a real systemd. */
export const serviceChecks: Check[] = [
  serviceCheck({
    id: 'service.start',
    title: 'The unit starts under systemd, sandboxed, with the shipped configuration',
    reason: 'Only a real start reveals an over-strict sandbox, which would be an outage in production.',
    reference: 'https://www.freedesktop.org/software/systemd/man/systemd.exec.html',
    judge: ({ state, serving, metrics, log, emulated }) => {
      if (state !== 'active') return fail(`the unit is ${state}: ${log.split('\n').slice(-5).join(' | ')}`);
      if (serving === false) return fail('the unit is active but does not answer clients');
      if (metrics === false) return fail('the unit is active but its metrics cannot be read');
      return pass(emulated ? `active, ${EMULATED}` : 'active');
    },
  }),
  labCheck({
    id: 'service.unit',
    scenarios: ['service'],
    title: 'The installed unit is defined by a single file',
    reason:
      "A maintainer script can write a drop-in that changes what runs and is not in the package's file list.",
    reference: 'https://www.freedesktop.org/software/systemd/man/systemd.unit.html',
    judge: ({ service }) => complaints(installedComplaints(service.fragments), 'one file, no drop-ins'),
  }),
  serviceCheck({
    id: 'service.alone',
    title: 'The unit runs only turnserver, as an unprivileged user, and opens only the expected ports',
    reason:
      "Processes and sockets are observed from outside the package's root, so the package cannot hide any.",
    judge: ({ seen, emulated }) => {
      if (seen === undefined) return fail('the processes of the unit were not recorded');
      const found = seen.processes.flatMap((each) => processComplaints(each, emulated));
      if (seen.processes.length === 0) found.push('the unit has no process');
      found.push(...strangeSockets(seen.listening.join('\n'), { relays: true }));
      return complaints(found, 'only turnserver; only the client and metrics ports are open', {
        processes: seen.processes.length,
        sockets: seen.listening.length,
      });
    },
  }),
  serviceCheck({
    id: 'service.restart',
    title: 'systemd restarts turnserver after a crash',
    reason: 'A crashed relay has to be back before its clients give up.',
    judge: ({ restarted, downSeconds, emulated }) => {
      if (restarted !== 'active' || downSeconds === undefined)
        return fail(`after SIGKILL the unit is ${restarted}`);
      const found = `down for ${downSeconds.toFixed(1)} s after SIGKILL`;
      // Under QEMU, the start alone takes a minute.
      return !emulated && downSeconds > CLIENT_PATIENCE_SECONDS
        ? fail(`${found}; clients retry for ${CLIENT_PATIENCE_SECONDS} s`)
        : pass(found, { 'seconds down': downSeconds });
    },
  }),
  serviceCheck({
    id: 'service.stop',
    title: 'The unit stops without a failure',
    reason: 'If every deployment reports a failed unit, real failures go unnoticed.',
    judge: ({ stopped }) =>
      stopped === 'success'
        ? pass('result: success')
        : fail(`after a stop, the result of the unit is ${stopped}`),
  }),
  serviceCheck({
    id: 'service.drain',
    title: 'A stop refuses new clients, and live sessions lose nothing before the deadline',
    reason: 'Deployments happen during calls; an abrupt stop drops all of them.',
    reference: 'https://github.com/coturn/coturn/pull/1997',
    scenario: 'drain',
    without: ({ drains, version }) => (drains ? undefined : notApplicable(`coturn ${version} cannot drain`)),
    judge: judgeDrain,
  }),
  serviceCheck({
    id: 'service.reload',
    title: 'A reload serves a renewed certificate and keeps live sessions',
    reason: 'Certificates are renewed every few weeks; a restart for each of them drops all calls.',
    reference: 'https://www.freedesktop.org/software/systemd/man/systemd.service.html#ExecReload=',
    scenario: 'reload',
    without: ({ reloads, version }) =>
      reloads ? undefined : notApplicable(`coturn ${version} cannot reload its certificate`),
    judge: judgeReload,
  }),
  serviceCheck({
    id: 'service.metadata',
    title: 'The unit blocks the cloud metadata addresses under any configuration',
    reason:
      "The metadata service hands out the machine's credentials; one deleted line must not expose it to every client.",
    reference:
      'https://www.freedesktop.org/software/systemd/man/systemd.resource-control.html#IPAddressAllow=ADDRESS%5B/PREFIXLENGTH%5D%E2%80%A6',
    scenario: 'metadata',
    judge: judgeMetadata,
  }),
];
