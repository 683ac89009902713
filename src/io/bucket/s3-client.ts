import type { S3Client } from '@aws-sdk/client-s3';
import { type S3Failure, statusOf } from './s3-errors.ts';
import { fetchHandler } from './s3-http.ts';

/** Attempts of a call, including the first. */
export const ATTEMPTS = 5;

/** Milliseconds without any data after which an attempt fails. */
const STALL_MS = 30_000;

/** Without a region, AWS answers with the bucket's. */
const ANY_REGION = 'us-east-1';

/** The SDK's module. */
export type Sdk = typeof import('@aws-sdk/client-s3');

/** A client for one bucket. */
export interface Connection {
  sdk: Sdk;
  client: S3Client;
  /** Whether the service is another one than AWS. */
  isCompatible: boolean;
}

/** Prints nothing. The SDK's default logger warns on the console. */
const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/**
 * Connects to a bucket with the credentials, the region and the endpoint that the environment and the AWS profile configure. On AWS, the
 * bucket's own region takes precedence.
 * @param stallMs milliseconds without any data after which an attempt fails
 * @param options.isCompatible for tests
 * @throws the SDK's errors, if the bucket cannot be listed
 */
export async function connect(
  bucket: string,
  prefix: string,
  { stallMs = STALL_MS, ...options }: { stallMs?: number; isCompatible?: boolean } = {},
): Promise<Connection> {
  // The SDK warns of Node 20 on standard error.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const sdk = await import('@aws-sdk/client-s3');
  const clientIn = (region?: string, forcePathStyle = false) =>
    new sdk.S3Client({
      ...(region === undefined ? {} : { region }),
      forcePathStyle,
      maxAttempts: ATTEMPTS,
      retryMode: 'standard',
      requestHandler: fetchHandler(stallMs),
      logger: SILENT,
    });
  const configured = clientIn();
  const { isCompatible = await hasEndpoint(configured) } = options;
  const client = clientIn((await hasRegion(configured)) ? undefined : ANY_REGION, isCompatible);
  const first = new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 });
  try {
    await client.send(first);
    return { sdk, client, isCompatible };
  } catch (error) {
    const region = isCompatible ? undefined : regionIn(error);
    if (region === undefined) throw error;
    const own = clientIn(region);
    await own.send(first);
    return { sdk, client: own, isCompatible };
  }
}

async function hasRegion({ config }: S3Client): Promise<boolean> {
  return config.region().then(
    () => true,
    () => false,
  );
}

/** Whether the environment or the profile has the URL of a service (AWS SDKs, "Service-specific endpoints"). */
async function hasEndpoint({ config }: S3Client): Promise<boolean> {
  const { serviceConfiguredEndpoint } = config as { serviceConfiguredEndpoint?: () => Promise<unknown> };
  if (serviceConfiguredEndpoint === undefined) throw new Error('the SDK no longer tells its endpoint');
  return (await serviceConfiguredEndpoint()) !== undefined;
}

/** The bucket's region, in the answer of another region. */
function regionIn(error: unknown): string | undefined {
  const { name = '', $response } = error as S3Failure;
  const isElsewhere =
    ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'].includes(
      name,
    ) || [301, 307].includes(statusOf(error) ?? 0);
  const named = (error as { Region?: string }).Region ?? $response?.headers?.['x-amz-bucket-region'];
  return isElsewhere && named !== undefined && /^[a-z0-9-]+$/.test(named) ? named : undefined;
}
