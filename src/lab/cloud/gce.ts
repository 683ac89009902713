import { createHash } from 'node:crypto';
import { type CloudRequest, type CloudResponse, segmentsOf } from './exchange.ts';
import { type GceItem, gceItems } from './gce-items.ts';
import type { GceMachine } from './gce-machine.ts';
import { answerOsLogin } from './gce-oslogin.ts';
import { type Form, find, isFolder, listing, render, usualForm } from './gce-render.ts';

const ROOT = '/computeMetadata/v1/';

/** A request that waits for a change: the ETag that the client knows, and the longest time in milliseconds. */
export interface Poll {
  readonly lastEtag: string | undefined;
  readonly timeoutMs: number | undefined;
}

/**
 * Answers as Compute Engine's metadata server, without waiting. Sources: Google, "View and query VM metadata"; Google's own emulator of 2016
 * (metadata_server.py) for JSON, text, `alt=` and errors; answers of real servers in github.com/salrashid123/gce_metadata_server.
 */
export function answerGce(machine: GceMachine, given: CloudRequest, now: number): CloudResponse {
  // Google's guest agent asks for `v1//?recursive=true`.
  const request = { ...given, path: given.path.replace(/\/{2,}/g, '/') };
  if (request.method !== 'GET' && request.method !== 'HEAD') return error(405, 'Error: Method Not Allowed');
  // Clients find out whether they run on Compute Engine by asking for `/`, which needs no header.
  if (request.path === '/') return content('computeMetadata/\n', 'text');
  if (request.headers['metadata-flavor'] !== 'Google')
    return forbidden(request, 'Missing Metadata-Flavor:Google header.');
  if (request.headers['x-forwarded-for'] !== undefined)
    return forbidden(request, 'Requests with an X-Forwarded-For header are rejected.');
  if (request.path === '/computeMetadata/') return content('v1/\n', 'text');
  if (`${request.path}/` === ROOT) return redirect(request);
  // Disabled unless the attribute enable-guest-attributes is TRUE.
  if (/^instance\/guest-attributes(\/|$)/.test(request.path.slice(ROOT.length)))
    return error(403, 'Guest attributes endpoint access is disabled.');
  const page = answerOsLogin(machine, request.path.slice(ROOT.length), request.query);
  if (page !== undefined) return content(page, 'json');
  const names = request.path.startsWith(ROOT) ? segmentsOf(request.path.slice(ROOT.length)) : undefined;
  if (names === undefined) return error(404, 'Error: Not Found');
  return answerItem(gceItems(machine, now), names, request);
}

function answerItem(root: GceItem, names: string[], request: CloudRequest): CloudResponse {
  const hasSlash = names.at(-1) === '';
  if (hasSlash) names.pop();
  const item = find(root, names);
  if (item === undefined || (hasSlash && !isFolder(item))) return error(404, 'Error: Not Found');
  // github.com/salrashid123/gce_metadata_server/issues/3 and, with a query, github.com/googleapis/gax-dotnet/issues/410
  if (!hasSlash && isFolder(item)) return redirect(request);
  const query = new URLSearchParams(request.query);
  const alt = query.get('alt') ?? undefined;
  if (alt !== undefined && alt !== 'json' && alt !== 'text') return badRequest();
  if (isFolder(item) && !isTrue(query.get('recursive')))
    // A list of names has no other form, and nothing can wait for it to change.
    return alt !== undefined || isTrue(query.get('wait_for_change'))
      ? badRequest()
      : content(listing(item), 'text');
  const usual = usualForm(item, names.at(-1));
  return content(render(item, alt ?? usual), alt ?? usual, render(item, usual));
}

/** What a request waits for. Undefined if it wants an answer at once. */
export function pollOf(request: CloudRequest): Poll | undefined {
  const query = new URLSearchParams(request.query);
  if (!isTrue(query.get('wait_for_change'))) return undefined;
  const seconds = query.get('timeout_sec') ?? '';
  return {
    lastEtag: query.get('last_etag') ?? undefined,
    timeoutMs: /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined,
  };
}

const isTrue = (value: string | null) => value !== null && /^(true|on|yes|1)$/i.test(value);

const HEADERS = {
  'metadata-flavor': 'Google',
  server: 'Metadata Server for VM',
  'x-xss-protection': '0',
  'x-frame-options': 'SAMEORIGIN',
};

/** The ETag is that of the item in its usual form, whatever form was asked for. */
function content(body: string, form: Form, usual = body): CloudResponse {
  const etag = createHash('sha256').update(usual).digest('hex').slice(0, 16);
  return { status: 200, headers: { ...HEADERS, 'content-type': `application/${form}`, etag }, body };
}

function redirect(request: CloudRequest): CloudResponse {
  const path = `${request.path}/${request.query === '' ? '' : `?${request.query}`}`;
  const location = `http://${request.headers.host ?? 'metadata.google.internal'}${path}`;
  return { status: 301, headers: { ...HEADERS, 'content-type': 'text/html', location }, body: `${path}\n` };
}

const badRequest = () => error(400, 'Error: Bad Request');

function error(status: number, body: string): CloudResponse {
  return { status, headers: { ...HEADERS, 'content-type': 'text/html; charset=UTF-8' }, body };
}

function forbidden(request: CloudRequest, reason: string): CloudResponse {
  const path = request.path.replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`);
  return error(
    403,
    [
      '<!DOCTYPE html>\n<html lang=en>\n<title>Error 403 (Forbidden)!!1</title>',
      `<p>Your client does not have permission to get URL <code>${path}</code> from this server. ${reason}\n`,
    ].join('\n'),
  );
}
