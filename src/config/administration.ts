import { isIP } from 'node:net';
import { type Configuration, hasTelnet } from './configuration.ts';
import { type Finding, finding, type Level, type LintContext } from './finding.ts';
import { servesPages } from './services.ts';
import { portOf } from './settings.ts';

/** Whether an address is the machine's own. */
function isLocal(address: string): boolean {
  return address === '::1' || address === 'localhost' || /^127\./.test(address);
}

/** Ports for the administrator: telnet and a web page. */
export function lintAdministration(configuration: Configuration, { version }: LintContext): Finding[] {
  const { last, has } = configuration;
  const found: Finding[] = [];
  const at = (name: string, usual: number, level: Level) => {
    // Unset, it is 127.0.0.1; an empty one is 0.0.0.0. @see coturn, make_ioa_addr()
    const address = (last(`${name}-ip`)?.value ?? '127.0.0.1').trim();
    // Port 0 is one that the system picks.
    const port = portOf(last(`${name}-port`), usual);
    const where = port === 0 ? 'on a random port' : `port ${port}`;
    const shown = isIP(address) === 6 ? `[${address}]` : address;
    if (isLocal(address)) return { level, where: `${shown}, ${where}` };
    return {
      level: 'error' as const,
      where: `${shown === '' ? 'every address' : shown}, ${where}, for other machines`,
    };
  };
  // Until 4.10, which has an option cli, the telnet interface is on unless it is switched off, or has no password.
  const byDefault = !has('cli');
  const password = last('cli-password');
  if (hasTelnet(configuration)) {
    if ((password?.value ?? '') === '')
      found.push(
        finding(
          'administration',
          'note',
          last(byDefault ? 'no-cli' : 'cli'),
          `the telnet interface is off only as long as it has no cli-password; ${byDefault ? 'no-cli says so' : 'take cli out'}`,
        ),
      );
    else {
      const { level, where } = at('cli', 5766, 'warning');
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
  if (servesPages(configuration, 'web-admin', version)) {
    const { level, where } = at('web-admin', 8080, 'warning');
    found.push(
      finding('administration', level, last('web-admin'), `pages for administration are served on ${where}`),
    );
  }
  if (servesPages(configuration, 'web-admin-listen-on-workers', version))
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
  const isSet = (name: string) => (last(name)?.value ?? '') !== '';
  const hasCertificate =
    (isSet('prometheus-cert') || isSet('cert')) && (isSet('prometheus-key') || isSet('pkey'));
  // They are not served then, and other rules say so.
  if (isOn('prometheus-tls') && !hasCertificate) return [];
  const metrics = last('prometheus') ?? last('prometheus-tls');
  const found: Finding[] = [];
  if (isOn('prometheus-username-labels'))
    found.push(
      finding(
        'public-metrics',
        'warning',
        last('prometheus-username-labels'),
        'metrics name users and grow with every name: with TURN REST API users, without limit',
      ),
    );
  if (!has('prometheus-address')) {
    const port = portOf(last('prometheus-port'), 9641);
    return [
      ...found,
      finding(
        'public-metrics',
        'note',
        metrics,
        `this version can't bind its metrics to an address: keep ${port === 0 ? 'its random port' : `port ${port}`} behind a firewall, or use turnbuild's package, which binds them to 127.0.0.1`,
      ),
    ];
  }
  const address = last('prometheus-address')?.value ?? '';
  if (isLocal(address)) return found;
  const message =
    address === ''
      ? 'without prometheus-address the metrics are on every address'
      : `the metrics are at ${address}: see that only your Prometheus reaches it`;
  return [...found, finding('public-metrics', 'warning', last('prometheus-address') ?? metrics, message)];
}
