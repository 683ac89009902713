import { isIP } from 'node:net';
import { type Configuration, hasTelnet } from './configuration.ts';
import { type Finding, finding, type Level, type LintContext } from './finding.ts';
import { servesPages } from './services.ts';
import { portOf } from './settings.ts';

/** Whether an address is a loopback address. */
function isLocal(address: string): boolean {
  return address === '::1' || address === 'localhost' || /^127\./.test(address);
}

/** Checks the administration ports: telnet and web pages. */
export function lintAdministration(configuration: Configuration, { version }: LintContext): Finding[] {
  const { last, has } = configuration;
  const found: Finding[] = [];
  const at = (name: string, usual: number, level: Level) => {
    // The default is 127.0.0.1; an empty value means 0.0.0.0. @see coturn, make_ioa_addr()
    const address = (last(`${name}-ip`)?.value ?? '127.0.0.1').trim();
    // For port 0, the system picks a port.
    const port = portOf(last(`${name}-port`), usual);
    const where = port === 0 ? 'on a random port' : `port ${port}`;
    const shown = isIP(address) === 6 ? `[${address}]` : address;
    if (isLocal(address)) return { level, where: `${shown}, ${where}` };
    return {
      level: 'error' as const,
      where: `${shown === '' ? 'every address' : shown}, ${where}, reachable from other machines`,
    };
  };
  // Before 4.10, which added the option cli, the telnet interface is on unless no-cli is set or the password is missing.
  const byDefault = !has('cli');
  const password = last('cli-password');
  if (hasTelnet(configuration)) {
    if ((password?.value ?? '') === '')
      found.push(
        finding(
          'administration',
          'note',
          last(byDefault ? 'no-cli' : 'cli'),
          `only the missing cli-password keeps the telnet interface off; ${byDefault ? 'set no-cli' : 'remove cli'}`,
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
    found.push(finding('administration', level, last('web-admin'), `the admin pages are served on ${where}`));
  }
  if (servesPages(configuration, 'web-admin-listen-on-workers', version))
    found.push(
      finding(
        'administration',
        'error',
        last('web-admin-listen-on-workers'),
        "the admin pages are served on the clients' TLS port",
      ),
    );
  return found;
}

/** Checks who can read the metrics. */
export function lintMetrics({ isOn, last, has }: Configuration): Finding[] {
  // prometheus-tls alone enables the metrics.
  if (!isOn('prometheus') && !isOn('prometheus-tls')) return [];
  const isSet = (name: string) => (last(name)?.value ?? '') !== '';
  const hasCertificate =
    (isSet('prometheus-cert') || isSet('cert')) && (isSet('prometheus-key') || isSet('pkey'));
  // Without a certificate, the metrics are not served; other rules report that.
  if (isOn('prometheus-tls') && !hasCertificate) return [];
  const metrics = last('prometheus') ?? last('prometheus-tls');
  const found: Finding[] = [];
  if (isOn('prometheus-username-labels'))
    found.push(
      finding(
        'public-metrics',
        'warning',
        last('prometheus-username-labels'),
        'the metrics have one series per user name; with TURN REST API users they grow without limit',
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
        `this version cannot bind its metrics to an address: keep ${port === 0 ? 'its random port' : `port ${port}`} behind a firewall, or use turnbuild's package, which binds them to 127.0.0.1`,
      ),
    ];
  }
  const address = last('prometheus-address')?.value ?? '';
  if (isLocal(address)) return found;
  const message =
    address === ''
      ? 'without prometheus-address, turnserver serves the metrics on every address'
      : `turnserver serves the metrics on ${address}: make sure that only your Prometheus can reach it`;
  return [...found, finding('public-metrics', 'warning', last('prometheus-address') ?? metrics, message)];
}
