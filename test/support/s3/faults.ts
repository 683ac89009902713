import type { IncomingMessage, ServerResponse } from 'node:http';
import { S3Refusal } from './refusal.ts';

/**
 * What goes wrong. `hang` never answers, `cut` closes the connection: before or after the request took effect, or half-way through a body.
 * `damaged`: a byte of the request's body, or of the object in the answer, changes on its way. `twice`: the request arrives twice; the second
 * answer is sent. `S3Refusal`: this answer; in `after`, although the request took effect.
 */
export type FaultKind =
  | 'hang-before'
  | 'hang-after'
  | 'cut-before'
  | 'cut-after'
  | 'cut-body'
  | 'damaged'
  | 'twice'
  | S3Refusal
  | { after: S3Refusal };

export interface Fault {
  /** Operation and key of the requests: `PutObject apt/dists/…`. A list has its prefix instead. */
  on: RegExp;
  kind: FaultKind;
  /** Requests before the first that fails; default: none. */
  after?: number;
  /** Requests that fail; default: one. */
  times?: number;
}

/** The documented answers that may pass, and those that don't. */
export const ANSWERS = {
  slowDown: new S3Refusal(503, 'SlowDown', 'Please reduce your request rate.'),
  internal: new S3Refusal(500, 'InternalError', 'We encountered an internal error. Please try again.'),
  conflict: new S3Refusal(409, 'ConditionalRequestConflict', 'A conflicting operation occurred.'),
  badDigest: new S3Refusal(400, 'BadDigest', 'The checksum did not match.'),
  timeout: new S3Refusal(400, 'RequestTimeout', 'Your socket connection was not read from or written to.'),
  denied: new S3Refusal(403, 'AccessDenied', 'Access Denied'),
  expired: new S3Refusal(400, 'ExpiredToken', 'The provided token has expired.'),
  quota: new S3Refusal(403, 'QuotaExceeded', 'The quota is exceeded.'),
} as const;

/** Faults that are still to happen. */
export function faultPlan() {
  let faults: { fault: Fault; seen: number; done: number }[] = [];
  const happened: string[] = [];
  let hanging: (() => void)[] = [];
  return {
    happened,
    /** Closes the connections of requests that hang. */
    release() {
      for (const close of hanging) close();
      hanging = [];
    },
    hang(request: IncomingMessage) {
      hanging.push(() => cutOff(request));
    },
    set(...next: Fault[]) {
      faults = next.map((fault) => ({ fault, seen: 0, done: 0 }));
      happened.length = 0;
    },
    /** The fault of a request. */
    next(what: string): FaultKind | undefined {
      for (const each of faults) {
        const { on, kind, after = 0, times = 1 } = each.fault;
        if (!on.test(what)) continue;
        each.seen += 1;
        if (each.seen <= after || each.done >= times) continue;
        each.done += 1;
        happened.push(what);
        return kind;
      }
      return undefined;
    },
  };
}

/** Closes the connection without an answer. */
export const cutOff = (request: IncomingMessage) => request.socket.destroy();

/** Content with another byte in the middle. */
export function damaged(content: Buffer): Buffer {
  const copy = Buffer.from(content);
  const at = copy.length >> 1;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** Sends half of a body, and closes the connection. */
export function sendHalf(response: ServerResponse, body: Buffer): void {
  response.write(body.subarray(0, body.length >> 1), () => setTimeout(() => response.destroy(), 20));
}
