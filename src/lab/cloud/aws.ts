import { type AwsItem, awsItems, isFolder } from './aws-items.ts';
import type { AwsMachine } from './aws-machine.ts';
import { issueToken, isValidToken, tokenSeconds } from './aws-token.ts';
import { type CloudRequest, type CloudResponse, segmentsOf } from './exchange.ts';

const TOKEN_HEADER = 'x-aws-ec2-metadata-token';
const TTL_HEADER = 'x-aws-ec2-metadata-token-ttl-seconds';
/** The folders of `/` on an instance. Their contents differ little between versions, so all have the same here. */
const VERSIONS = [
  ...[
    '1.0',
    '2007-01-19',
    '2007-03-01',
    '2007-08-29',
    '2007-10-10',
    '2007-12-15',
    '2008-02-01',
    '2008-09-01',
  ],
  ...['2009-04-04', '2011-01-01', '2011-05-01', '2012-01-12', '2014-02-25', '2014-11-05', '2015-10-20'],
  ...['2016-04-19', '2016-06-30', '2016-09-02', '2018-03-28', '2018-08-17', '2018-09-24', '2019-10-01'],
  ...['2020-10-27', '2021-01-03', '2021-03-23', '2021-07-15', '2022-09-24', '2024-04-11', 'latest'],
];

/**
 * Answers as EC2's instance metadata service with HttpTokens=required. Sources: AWS, "Access instance metadata for an EC2 instance" and "Use
 * the Instance Metadata Service"; amazon-ec2-metadata-mock, pkg/server/httpserver.go for the form of errors.
 */
export function answerAws(machine: AwsMachine, request: CloudRequest, now: number): CloudResponse {
  if (/^\/[^/]+\/api\/token$/.test(request.path)) return answerToken(machine, request, now);
  // AWS does not document other methods.
  if (request.method !== 'GET' && request.method !== 'HEAD') return error(405, 'Method Not Allowed');
  if (!isValidToken(machine.tokenKey, request.headers[TOKEN_HEADER], now)) return error(401, 'Unauthorized');
  return answerItem(machine, request);
}

function answerToken(machine: AwsMachine, request: CloudRequest, now: number): CloudResponse {
  if (request.method !== 'PUT') return error(405, 'Method Not Allowed');
  // "Issuing PUT requests to any version-specific path" is forbidden, and so are requests that a proxy forwarded
  // (AWS security blog, "Add defense in depth against open firewalls, reverse proxies, and SSRF vulnerabilities").
  if (!request.path.startsWith('/latest/') || request.headers['x-forwarded-for'] !== undefined)
    return error(403, 'Forbidden');
  const seconds = tokenSeconds(request.headers[TTL_HEADER]);
  if (seconds === undefined) return error(400, 'Bad Request');
  return text(issueToken(machine.tokenKey, seconds, now), { [TTL_HEADER]: `${seconds}` });
}

function answerItem(machine: AwsMachine, request: CloudRequest): CloudResponse {
  const segments = segmentsOf(request.path)?.slice(1) ?? ['invalid'];
  const hasSlash = segments.at(-1) === '';
  if (hasSlash) segments.pop();
  const [version, ...names] = segments;
  if (version === undefined) return text(VERSIONS.join('\n'));
  const item = VERSIONS.includes(version) ? find(awsItems(machine), names) : undefined;
  if (item === undefined) return error(404, 'Not Found');
  if (!isFolder(item))
    // A slash after an item is ignored: github.com/uswitch/kiam/pull/384.
    return names[0] === 'user-data' ? { ...text(item), headers: OCTETS } : text(item);
  if (!hasSlash && machine.redirectsFolders === true)
    return {
      status: 301,
      headers: { server: SERVER, location: `http://169.254.169.254${request.path}/` },
      body: '',
    };
  return text(item.listing ?? list(item.entries));
}

function find(item: AwsItem, names: readonly string[]): AwsItem | undefined {
  const [name, ...rest] = names;
  if (name === undefined) return item;
  const child = isFolder(item) ? item.entries.get(name) : undefined;
  return child === undefined ? undefined : find(child, rest);
}

/** One name a line, without a final newline. Names of folders end with a slash, except those of a version. */
function list(entries: ReadonlyMap<string, AwsItem>): string {
  const isVersion = entries.has('meta-data');
  return [...entries]
    .map(([name, item]) => (isFolder(item) && !isVersion ? `${name}/` : name))
    .sort()
    .join('\n');
}

const SERVER = 'EC2ws';
const OCTETS = { server: SERVER, 'content-type': 'application/octet-stream' };

function text(body: string | Uint8Array, headers: Record<string, string> = {}): CloudResponse {
  return { status: 200, headers: { server: SERVER, 'content-type': 'text/plain', ...headers }, body };
}

/** An XHTML page, which a client must not take for a value. */
function error(status: number, reason: string): CloudResponse {
  const body = [
    '<?xml version="1.0" encoding="iso-8859-1"?>',
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"',
    '\t"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">',
    '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">',
    ` <head>\n  <title>${status} - ${reason}</title>\n </head>`,
    ` <body>\n  <h1>${status} - ${reason}</h1>\n </body>\n</html>\n`,
  ].join('\n');
  return { status, headers: { server: SERVER, 'content-type': 'text/html' }, body };
}
