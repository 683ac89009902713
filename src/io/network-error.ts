import { TurnbuildError } from '../errors.ts';

/** Why a request has no answer. */
export interface NetworkProblem {
  /** The system's or undici's code. */
  code: string;
  /** In words, with the host if it is known. */
  why: string;
  /** What to do. */
  hint: string;
  /** A repetition would meet the same problem. */
  isLasting: boolean;
}

/** Codes of local files, e.g. credentials, and of programming errors. */
const LOCAL = /^(?:ENOENT|ENOTDIR|EISDIR|EACCES|EPERM|ERR_INVALID_.*)$/;
const NO_HTTP = 'HPE_INVALID';
/** Node.js, "TLS (SSL)", "X509 certificate error codes". */
const CERTIFICATE = /CERT|SIGNATURE/;
const CLOCK: Readonly<Record<string, string>> = {
  CERT_NOT_YET_VALID: "its certificate is not valid yet, or this machine's clock is slow",
  CERT_HAS_EXPIRED: "its certificate has expired, or this machine's clock is fast",
};

/** The code of a network error, which may be a cause of the error; undefined if it is no such error. */
export function networkCode(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code } = each as NodeJS.ErrnoException;
    // undici gives it no code if the answer does not begin like HTTP.
    if (each.name === 'HTTPParserError') return code ?? NO_HTTP;
    if (typeof code === 'string' && /^[A-Z][A-Z\d_]+$/.test(code) && !LOCAL.test(code)) return code;
  }
  return undefined;
}

/** Adds the host of a request to its error, for `networkProblem`. */
export function withHost<T>(error: T, url: string): T {
  return error instanceof Error ? Object.assign(error, { host: new URL(url).host }) : error;
}

/** What a network error means; undefined if it is none. */
export function networkProblem(error: unknown): NetworkProblem | undefined {
  const code = networkCode(error);
  if (code === undefined) return undefined;
  const { words, hint = NETWORK, isLasting = false } = meaningOf(code);
  const host = hostOf(error);
  return { code, why: host === undefined ? words : `${words} (${host})`, hint, isLasting };
}

const NETWORK = 'Check the network, then run the same command again: it continues where it stopped.';

function meaningOf(code: string): { words: string; hint?: string; isLasting?: boolean } {
  if (CLOCK[code] !== undefined)
    return {
      words: CLOCK[code],
      hint: "Check this machine's clock (date), and the server's certificate. Then run the same command again.",
      isLasting: true,
    };
  if (CERTIFICATE.test(code))
    return {
      words: `its certificate is not trusted: ${code}`,
      hint: 'If a proxy inspects connections, or the server is your own, set NODE_EXTRA_CA_CERTS to a file with the certificate of its authority.',
      isLasting: true,
    };
  if (/^HPE_|^ERR_SSL_/.test(code))
    return {
      words: `another kind of server answered: ${code}`,
      hint: 'Check the address, its port, and whether it is http or https.',
      isLasting: true,
    };
  if (/TIMEOUT$|^ETIMEDOUT$/.test(code)) return { words: 'no answer arrived in time' };
  if (/^(?:ENOTFOUND|EAI_[A-Z]+)$/.test(code)) return { words: `the name lookup failed: ${code}` };
  if (code === 'ECONNREFUSED') return { words: 'the connection was refused' };
  if (/^(?:ECONNRESET|EPIPE|UND_ERR_SOCKET)$/.test(code)) return { words: 'the connection was lost' };
  return { words: `the connection failed: ${code}` };
}

function hostOf(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { host } = each as { host?: unknown };
    if (typeof host === 'string') return host;
  }
  return undefined;
}

/** Whether a response is a page for people, or leads to one: no service answers its own clients so. */
export const isPage = ({ status, headers }: Pick<Response, 'status' | 'headers'>) =>
  status === 302 || status === 303 || /^text\/html\b/i.test(headers.get('content-type') ?? '');

/** The error of a page in place of a service's answer. */
export function pageError(service: string, url: string, status: number): TurnbuildError {
  return new TurnbuildError(
    'STORE_FAILED',
    `${new URL(url).host} answered with a web page, or led to one (status ${status}), unlike ${service}`,
    { hint: 'Check whether a proxy, or the login page of the network, answered instead.' },
  );
}
