import { z } from 'zod';

/** Bounds of the numbers in a machine's settings. Quotas are an int of turnserver, rates an unsigned 32-bit number. */
export const BOUNDS = {
  port: [1, 65_535],
  /** turn-agent may not bind lower ports. */
  metricsPort: [1024, 65_535],
  quota: [0, 2 ** 31 - 1],
  rate: [0, 2 ** 32 - 1],
  drainSeconds: [0, 3600],
} as const satisfies Record<string, readonly [least: number, most: number]>;

/** A part of a parameter's name. */
const LEVEL = '/[A-Za-z0-9_.-]+';
/**
 * Names of SSM parameters: at most 15 levels. Only AWS creates names that begin with "aws" or "ssm"; those beneath
 * /aws/reference/secretsmanager are secrets of Secrets Manager.
 */
const PARAMETER = `(?:(?!/(?:[Aa][Ww][Ss]|[Ss][Ss][Mm]))|(?=/aws/reference/secretsmanager/))(?:${LEVEL}){1,15}`;

/** References to secrets, by the service that stores them: the names that these services themselves allow. */
export const REFERENCES = {
  'SSM Parameter Store': new RegExp(
    String.raw`^(?:arn:aws[a-z-]*:ssm:[a-z0-9-]+:\d{12}:parameter)?${PARAMETER}$`,
    'u',
  ),
  'AWS Secrets Manager':
    /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]{1,519}(:[^:\p{Cc}\p{Zl}\p{Zp}]+::)?$/u,
  'Google Secret Manager':
    /^projects\/(?:(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[1-9]\d*)\/secrets\/[A-Za-z0-9_-]{1,255}(\/versions\/(?:[1-9]\d*|[A-Za-z][A-Za-z0-9_-]{0,62}))?$/u,
} as const;

const integer = (bounds: keyof typeof BOUNDS) =>
  z.number().int().min(BOUNDS[bounds][0]).max(BOUNDS[bounds][1]);

const reference = z.strictObject({
  valueFrom: z
    .string()
    .regex(
      new RegExp(
        Object.values(REFERENCES)
          .map(({ source }) => source)
          .join('|'),
        'u',
      ),
    )
    .describe(
      'On EC2: the name (/…) or ARN of an SSM parameter, or the ARN of a Secrets Manager secret, with :KEY:: at its end for one string of a JSON object. On Compute Engine: projects/PROJECT/secrets/SECRET, optionally with /versions/VERSION.',
    ),
});
const secret = z.union([
  z.strictObject({ value: z.string().min(16).max(256).describe('The secret itself.') }),
  reference,
]);
const pem = z.union([z.strictObject({ value: z.string().describe('The PEM text itself.') }), reference]);

const peers = z.array(z.string().regex(/^[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*(-[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*)?$/));
const networks = (address: RegExp) => z.array(z.string().regex(address)).min(1);

/**
 * The settings document of a machine: EC2's user data, or the attribute `turn-settings` of Google Compute Engine. Only editors use this
 * schema. turn-agent, and src/config/machine with the same messages, check more.
 */
export const userDataSchema = z.strictObject({
  realm: z
    .string()
    .regex(/^[!$-&(-_a-~]{1,127}$/)
    .optional()
    .describe("Realm of the TURN server. Default: the machine's host name or, without one, its address."),
  authSecret: secret
    .optional()
    .describe(
      'Shared secret of the TURN REST API. Default: one that the machine generates at its first boot.',
    ),
  previousAuthSecret: secret
    .optional()
    .describe('Former shared secret. It stays valid, so that clients can change to the new one.'),
  certificate: pem
    .optional()
    .describe("Certificate chain in PEM, the server's own certificate first. Enables TLS and DTLS."),
  privateKey: pem.optional().describe('Private key of the certificate in PEM, without a passphrase.'),
  listeningPort: integer('port').default(3478).describe('Port for UDP and TCP.'),
  tlsListeningPort: integer('port').default(5349).describe('Port for TLS and DTLS.'),
  tls443: z
    .boolean()
    .default(false)
    .describe('Whether to serve on port 443 as well. Requires a certificate.'),
  relayPorts: z
    .string()
    .regex(/^\d{1,5}-\d{1,5}$/)
    .default('10000-65534')
    .describe('First and last relay port, within 1024-65534, with at least 512 ports left below or above.'),
  userQuota: integer('quota').default(0).describe('Maximum number of allocations of one user; 0: no limit.'),
  totalQuota: integer('quota')
    .default(0)
    .describe('Maximum number of allocations of the machine; 0: no limit.'),
  maxBps: integer('rate').default(0).describe('Maximum bytes per second of one allocation; 0: no limit.'),
  bpsCapacity: integer('rate')
    .default(0)
    .describe('Maximum bytes per second of all allocations; 0: no limit. Requires maxBps.'),
  allowedPeers: peers
    .optional()
    .describe(
      'Peers to allow although they are denied by default: addresses or ranges such as 10.0.0.1-10.0.0.9.',
    ),
  deniedPeers: peers
    .optional()
    .describe('Peers to deny, in addition to those that are not on the public internet.'),
  metrics: z
    .strictObject({
      from: networks(/^[0-9.]+\/\d{1,2}$/).describe(
        'IPv4 networks that may scrape the metrics, such as 10.0.0.0/8.',
      ),
      port: integer('metricsPort').default(9641).describe("Port on the machine's private IPv4 address."),
    })
    .optional()
    .describe('Serves metrics for Prometheus. Default: only on the machine itself.'),
  sshFrom: networks(/^[0-9A-Fa-f.:]+\/\d{1,3}$/)
    .optional()
    .describe(
      'Networks that may connect by SSH. Default: none on EC2, that of Identity-Aware Proxy on Compute Engine.',
    ),
  drainSeconds: integer('drainSeconds')
    .default(60)
    .describe('Seconds that coturn gives sessions to end before it restarts or stops.'),
  startupScript: z
    .string()
    .regex(/^#!/)
    .optional()
    .describe('Script that runs as root once at each boot. Only on EC2.'),
});

export type SettingName = keyof typeof userDataSchema.shape;

/** All settings, in the order in which their problems are reported. */
export const SETTINGS = Object.keys(userDataSchema.shape) as SettingName[];
