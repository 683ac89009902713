import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import type { DebianRoot } from '../debian-root.ts';
import { ACCESS_KEY, SECRET_KEY } from './signature.ts';

/** A real S3 server: Ceph's, with its own small database instead of a cluster. */
export interface Radosgw {
  url: string;
  /** For turnbuild and the SDK. */
  env: Record<string, string>;
  stop(): void;
}

// The SDK warns of Node 20.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const STATE = '/var/lib/rgw';
const ADMIN = 'radosgw-admin --no-mon-config -n client.rgw';

const settings = (port: number) => `[client.rgw]
rgw_backend_store = dbstore
rgw_config_store = dbstore
dbstore_db_dir = ${STATE}
dbstore_config_uri = file:${STATE}/config.db
rgw_data = ${STATE}
run_dir = ${STATE}
log_file = ${STATE}/log
rgw_frontends = beast endpoint=127.0.0.1:${port}
`;

/** Installs and starts radosgw in a root of Debian 13, with the bucket `packages`, which anonymous clients may read. */
export async function startRadosgw(root: DebianRoot): Promise<Radosgw> {
  const port = await freePort();
  root.file('etc/ceph/ceph.conf', settings(port));
  const shell = async (script: string) => {
    const { code, stdout, stderr } = await root.run(['sh', '-ec', script]);
    if (code !== 0) throw new Error(`${script}: ${stdout}${stderr}`);
    return stdout;
  };
  await shell('apt-get update -qq && apt-get install -qqy --no-install-recommends radosgw >/dev/null');
  await shell(
    `mkdir -p ${STATE}; ${ADMIN} user create --uid=test --display-name=test --access-key=${ACCESS_KEY} --secret-key=${SECRET_KEY}`,
  );
  const pid = Number(
    await shell(`radosgw --no-mon-config -n client.rgw -f >${STATE}/output 2>&1 </dev/null & echo $!`),
  );
  const url = `http://127.0.0.1:${port}`;
  const stop = () => process.kill(pid);
  try {
    await answering(url);
    const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY };
    const client = new S3Client({ endpoint: url, region: 'us-east-1', forcePathStyle: true, credentials });
    await client.send(new CreateBucketCommand({ Bucket: 'packages' }));
    const Statement = [
      { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::packages/*' },
    ];
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await client.send(new PutBucketPolicyCommand({ Bucket: 'packages', Policy }));
  } catch (error) {
    stop();
    throw error;
  }
  const env = {
    AWS_ENDPOINT_URL_S3: url,
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
  return { url, env, stop };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answering(url: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1)
    try {
      await fetch(url);
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
}
