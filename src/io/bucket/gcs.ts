import { createHash } from 'node:crypto';
import { TurnbuildError } from '../../errors.ts';
import type { Bucket, WriteCondition } from './bucket.ts';
import { anonymous, applicationDefault } from './gcs-auth.ts';
import { parsedError, refusedError } from './gcs-errors.ts';
import { objectIn, type Page, pageIn } from './gcs-json.ts';
import { type GcsConnection, type GcsRequest, type GcsResponse, sendOnce } from './gcs-request.ts';
import { CHUNK_UNIT, raise, type Upload, uploadAtOnce, uploadInChunks } from './gcs-upload.ts';
import { emulatorOf, encodedName, type Query, withQuery } from './gcs-url.ts';
import { LOCK_KEY } from './lease.ts';
import { withContent } from './opened-content.ts';
import { retrying, Temporary } from './retry.ts';

const ENDPOINT = 'https://storage.googleapis.com';

/** How a bucket is used. Only tests change the defaults. The signal stops reading and the uploads of files. */
export interface GcsSettings extends Partial<GcsConnection> {
  /** Size of the chunks of a large upload. A smaller content is sent at once. */
  chunkBytes?: number;
}

type ObjectRequest = Omit<GcsRequest, 'isAuthorized'>;

/**
 * Opens a bucket of Google Cloud Storage through its JSON API, without sending a request. If STORAGE_EMULATOR_HOST is set, it is an emulator's.
 * @param folder prefix of all keys, without slashes around it; may be empty
 * @throws OPTION_INVALID for STORAGE_EMULATOR_HOST
 */
export async function openGcs(bucket: string, folder: string, settings: GcsSettings = {}): Promise<Bucket> {
  const address = `gs://${bucket}${folder === '' ? '' : `/${folder}`}`;
  const prefix = folder === '' ? '' : `${folder}/`;
  const emulator = emulatorOf(process.env.STORAGE_EMULATOR_HOST);
  const { chunkBytes = 32 * CHUNK_UNIT, signal, ...given } = settings;
  const connection: GcsConnection = {
    address,
    endpoint: emulator ?? ENDPOINT,
    authorize: emulator === undefined ? applicationDefault(address) : anonymous,
    stallMs: 30_000,
    attempts: 7,
    backoffMs: 500,
    maxPauseMs: 30_000,
    ...given,
  };
  const stoppable = { ...connection, signal };
  /** After Ctrl-C, a run still removes its lock. */
  const reading = (key: string) => (key === LOCK_KEY ? connection : stoppable);
  const objects = `${connection.endpoint}/storage/v1/b/${bucket}/o`;
  const uploads = `${connection.endpoint}/upload/storage/v1/b/${bucket}/o`;

  /** The answer about an object; undefined if there is none, which a missing bucket must not look like. */
  const ask = async (
    used: GcsConnection,
    request: ObjectRequest,
    accepted: number[],
  ): Promise<GcsResponse | undefined> => {
    const response = await sendOnce(used, { ...request, isAuthorized: true }, [...accepted, 404]);
    if (response.status !== 404) return response;
    if (/\bbucket does not exist\b/i.test(parsedError(response.body).message))
      throw refusedError({ address, ...request }, 404, response.body, null);
    return undefined;
  };
  const objectRequest = (method: 'GET' | 'DELETE', verb: string, key: string, query: Query) => ({
    method,
    what: `${verb} ${key}`,
    permission: `storage.objects.${method.toLowerCase()}`,
    url: withQuery(`${objects}/${encodedName(prefix + key)}`, query),
  });
  const damaged = (what: string) =>
    new Temporary(
      new TurnbuildError('STORE_FAILED', `Cannot ${what} in ${address}: the answer is damaged`, {
        hint: 'Run the same command again. If it happens again, please report it.',
      }),
    );

  const head: Bucket['head'] = (key) => {
    const request = objectRequest('GET', 'look up', key, { fields: 'size,generation,metadata' });
    return retrying(reading(key), async () => {
      const response = await ask(reading(key), request, [200]);
      if (response === undefined) return undefined;
      const found = objectIn(response.body);
      if (found === undefined) throw damaged(request.what);
      return found;
    });
  };

  const pathOf = (folder: string) => `${prefix}${folder}${folder === '' ? '' : '/'}`;
  /** All pages of a list. */
  const listed = async (path: string, own: Query): Promise<Omit<Page, 'next'>> => {
    const fixed = {
      prefix: path,
      ...own,
      fields: 'items(name,size,generation,updated),prefixes,nextPageToken',
    };
    const request = { method: 'GET', what: `list ${path}*`, permission: 'storage.objects.list' } as const;
    const found: Omit<Page, 'next'> = { files: [], folders: [] };
    for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
      const query = pageToken === '' ? fixed : { ...fixed, pageToken };
      const page: Page = await retrying(stoppable, async () => {
        const url = withQuery(objects, query);
        const { body } = await sendOnce(stoppable, { ...request, url, isAuthorized: true }, [200]);
        return pageIn(body) ?? raise(damaged(request.what));
      });
      found.files.push(...page.files);
      found.folders.push(...page.folders);
      pageToken = page.next;
    }
    return found;
  };

  return {
    address,
    // "Request preconditions" of Cloud Storage: every bucket has them.
    hasConditions: async () => true,
    head,
    get(key, maxBytes) {
      const request = { ...objectRequest('GET', 'read', key, { alt: 'media' }), maxBytes };
      return retrying(reading(key), async () => {
        const response = await ask(reading(key), { ...request, name: `${address}/${key}` }, [200]);
        if (response === undefined) return undefined;
        const { body: bytes, headers } = response;
        const version = headers.get('x-goog-generation') ?? '';
        const [, md5 = undefined] = /\bmd5=([\w+/]+=*)/.exec(headers.get('x-goog-hash') ?? '') ?? [];
        const isIntact = md5 === undefined || md5 === createHash('md5').update(bytes).digest('base64');
        if (!isIntact || !/^\d+$/.test(version)) throw damaged(request.what);
        return { bytes, version };
      });
    },
    async list(folder) {
      const path = pathOf(folder);
      const { files, folders } = await listed(path, { delimiter: '/' });
      const names = [...files.map((each) => each.path), ...folders.map((each) => each.replace(/\/$/, ''))];
      // Some tools create an empty object as a folder.
      return names.map((name) => name.slice(path.length)).filter((name) => name !== '');
    },
    async listAll(folder) {
      const { files } = await listed(pathOf(folder), {});
      return files
        .filter(({ path }) => !path.endsWith('/'))
        .map((each) => ({ ...each, path: each.path.slice(prefix.length) }));
    },
    put(key, content, attributes, condition, before) {
      const uploading = 'file' in content ? stoppable : connection;
      return retrying(uploading, () =>
        withContent(key, content, async (opened) => {
          const upload: Upload = {
            name: prefix + key,
            what: `store ${key}`,
            attributes,
            content: opened,
            url: uploads,
            query: conditionOf(condition),
            before,
          };
          return opened.size <= chunkBytes
            ? uploadAtOnce(uploading, upload)
            : uploadInChunks(uploading, upload, chunkBytes);
        }),
      );
    },
    async remove(key, version, before) {
      const query = version === undefined ? {} : { ifGenerationMatch: version };
      const request = objectRequest('DELETE', 'remove', key, query);
      const response = await retrying(connection, async () => {
        await before?.();
        return ask(connection, request, [200, 204, 412]);
      });
      // An own earlier attempt may have removed it.
      return response?.status !== 412 || (await head(key)) === undefined;
    },
  };
}

/** Generation 0 stands for no object: "Request preconditions" of Cloud Storage. */
function conditionOf(condition: WriteCondition): Query {
  if (condition === undefined) return {};
  return { ifGenerationMatch: condition === 'absent' ? '0' : condition.version };
}
