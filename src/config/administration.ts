import { isIP } from 'node:net';
import type { Configuration } from './configuration.ts';
import { type Finding, finding, type Level } from './finding.ts';

/** Whether an address is the machine's own; turnserver's default for administration is 127.0.0.1. */
function isLocal(address: string): boolean {
  return address === '' || address === '::1' || address === 'localhost' || /^127\./.test(address);
}

/** Ports for the administrator: telnet and a web page. */
export function lintAdministration(configuration: Configuration): Finding[] {
  const { isOn, last, has } = configuration;
  const found: Finding[] = [];
  const at = (name: string, port: string, level: Level) => {
    const address = last(`${name}-ip`)?.value ?? '';
    // Port 0 is one that the system picks.
    const number = Number.parseInt(last(`${name}-port`)?.value ?? port, 10) || 0;
    const where = `127.0.0.1, ${number === 0 ? 'on a random port' : `port ${number}`}`;
    if (isLocal(address)) return { level, where };
    return {
      level: 'error' as const,
      where: `${isIP(address) === 6 ? `[${address}]` : address}, for other machines`,
    };
  };
  // Until 4.10, which has an option cli, the telnet interface is on unless it is switched off, or has no password.
  const byDefault = !has('cli');
  const password = last('cli-password');
  if (byDefault ? !isOn('no-cli') : isOn('cli')) {
    if ((password?.value ?? '') === '')
      found.push(
        finding(
          'administration',
          'note',
          last(byDefault ? 'no-cli' : 'cli'),
          'the telnet interface is off only as long as it has no cli-password; no-cli says so',
        ),
      );
    else {
      const { level, where } = at('cli', '5766', 'warning');
      found.push(
        finding(
          'administration',
          level,
          byDefault ? password : last('cli'),
          `the telnet interface listens on ${where}`,
        ),
      );
    }
  }
  if (isOn('web-admin')) {
    const { level, where } = at('web-admin', '8080', 'warning');
    found.push(
      finding('administration', level, last('web-admin'), `pages for administration are served on ${where}`),
    );
  }
  if (isOn('web-admin-listen-on-workers'))
    found.push(
      finding(
        'administration',
        'error',
        last('web-admin-listen-on-workers'),
        'pages for administration are served on the TLS port of the clients',
      ),
    );
  return found;
}

/** Who can read the metrics. */
export function lintMetrics({ isOn, last, has }: Configuration): Finding[] {
  // prometheus-tls is enough by itself.
  if (!isOn('prometheus') && !isOn('prometheus-tls')) return [];
  const metrics = last('prometheus') ?? last('prometheus-tls');
  const found: Finding[] = [];
  if (isOn('prometheus-username-labels') || last('prometheus-username-labels') !== undefined)
    found.push(
      finding(
        'public-metrics',
        'warning',
        last('prometheus-username-labels'),
        'metrics name users, and grow with each name: with those of the TURN REST API without an end',
      ),
    );
  if (!has('prometheus-address'))
    return [
      ...found,
      finding(
        'public-metrics',
        'note',
        metrics,
        `this version can't bind its metrics to an address: keep port ${last('prometheus-port')?.value ?? 9641} behind a firewall, or use turnbuild's package, which binds them to 127.0.0.1`,
      ),
    ];
  const address = last('prometheus-address')?.value ?? '';
  if (address !== '' && isLocal(address)) return found;
  const message =
    address === ''
      ? 'without prometheus-address the metrics are on every address'
      : `the metrics are at ${address}: see that only your Prometheus reaches it`;
  return [...found, finding('public-metrics', 'warning', last('prometheus-address') ?? metrics, message)];
}
