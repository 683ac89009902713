import { BOUNDS, SETTINGS, type SettingName } from '../../recipe/user-data.ts';
import { isPlaceholder } from '../placeholders.ts';
import { pairProblem } from './certificate.ts';
import type { Json } from './json.ts';
import { reportUnknown } from './names.ts';
import { CLOSED, checkNetworks, checkPeers } from './peers.ts';
import { checkCollisions, checkPortRange } from './ports.ts';
import { isHarmless, type Reader } from './reader.ts';
import { checkSharedSecret, checkSource } from './sources.ts';

/** Printable ASCII without spaces, quotes and "#", which turnserver.conf would not keep as they are. */
const REALM = /^[!$-&(-_a-~]{1,127}$/;

type Rule = (r: Reader, path: string, json: Json) => void;

/** What a value must be, by setting. */
const RULES: Readonly<Record<SettingName, Rule>> = {
  realm: checkRealm,
  authSecret: checkSharedSecret,
  previousAuthSecret: checkSharedSecret,
  certificate: checkSource,
  privateKey: checkSource,
  listeningPort: integer(BOUNDS.port),
  tlsListeningPort: integer(BOUNDS.port),
  tls443: checkBoolean,
  relayPorts: checkPortRange,
  userQuota: integer(BOUNDS.quota),
  totalQuota: integer(BOUNDS.quota),
  maxBps: integer(BOUNDS.rate),
  bpsCapacity: integer(BOUNDS.rate),
  allowedPeers: (r, path, json) => checkPeers(r, path, json, CLOSED),
  deniedPeers: (r, path, json) => checkPeers(r, path, json, []),
  metrics: checkMetrics,
  sshFrom: (r, path, json) => checkNetworks(r, path, json, false),
  drainSeconds: integer(BOUNDS.drainSeconds),
  startupScript: checkScript,
};

/** Checks every setting of a document and, if each one is valid, how they go together. */
export function checkSettings(r: Reader): void {
  reportUnknown(r, '', r.document, SETTINGS);
  for (const key of SETTINGS) {
    const json = r.document.get(key);
    if (json !== undefined) RULES[key](r, key, json);
  }
  if (r.problems.length > 0) return;
  checkPair(r);
  checkBandwidth(r);
  checkCollisions(r);
}

function checkRealm(r: Reader, path: string, { value }: Json): void {
  if (typeof value !== 'string') r.report(path, 'must be a string');
  else if (!REALM.test(value))
    r.report(path, 'must be 1 to 127 printable ASCII characters without spaces, quotes or #');
  else if (isPlaceholder(value)) r.report(path, 'looks like a placeholder that was not replaced');
}

function checkBoolean(r: Reader, path: string, { value }: Json): void {
  if (typeof value !== 'boolean') r.report(path, 'must be true or false');
}

function integer([least, most]: readonly [least: number, most: number]): Rule {
  return (r, path, { value }) => {
    if (typeof value !== 'number' || !Number.isInteger(value))
      r.report(path, `must be an integer from ${least} to ${most}`);
    else if (value < least || value > most) {
      // A number as long as a secret may be one.
      const text = Object.is(value, -0) ? '-0' : String(value);
      r.report(path, `${isHarmless(text) ? `${text}: ` : ''}must be from ${least} to ${most}`);
    }
  };
}

function checkScript(r: Reader, path: string, { value }: Json): void {
  if (r.cloud !== 'aws') r.report(path, 'only for aws; on gce use the attribute startup-script');
  else if (typeof value !== 'string' || !value.startsWith('#!'))
    r.report(path, 'must be a string that begins with #!');
}

function checkMetrics(r: Reader, path: string, { value }: Json): void {
  if (!(value instanceof Map)) {
    r.report(path, 'must be an object with the key "from"');
    return;
  }
  reportUnknown(r, `${path}.`, value, ['from', 'port']);
  const [from, port] = [value.get('from'), value.get('port')];
  if (from === undefined) r.report(`${path}.from`, 'missing: the networks that may scrape');
  else checkNetworks(r, `${path}.from`, from, true);
  if (port !== undefined) integer(BOUNDS.metricsPort)(r, `${path}.port`, port);
}

/** Checks that the certificate and its key come together and, if both are given by value, match. */
function checkPair(r: Reader): void {
  const [certificate, key] = [r.document.get('certificate'), r.document.get('privateKey')];
  if (certificate === undefined && key === undefined) {
    if (r.document.get('tls443')?.value === true) r.report('tls443', 'needs certificate and privateKey');
  } else if (certificate === undefined) r.report('certificate', 'missing: privateKey needs it');
  else if (key === undefined) r.report('privateKey', 'missing: certificate needs it');
  else {
    const [chain, secret] = [checkSource(r, 'certificate', certificate), checkSource(r, 'privateKey', key)];
    if (chain === undefined || secret === undefined) return;
    const problem = pairProblem(chain, secret, r.now);
    if (problem !== undefined) r.report(problem.path, problem.message);
  }
}

function checkBandwidth(r: Reader): void {
  const rate = (key: SettingName) => Number(r.document.get(key)?.value ?? 0);
  const [max, capacity] = [rate('maxBps'), rate('bpsCapacity')];
  if (capacity > 0 && max === 0)
    r.report('bpsCapacity', 'needs maxBps, without which turnserver does not start');
  else if (capacity > 0 && max > capacity)
    r.report(
      'bpsCapacity',
      `${capacity}: is less than maxBps, which turnserver reserves for each allocation`,
    );
}
