import { createHmac, timingSafeEqual } from 'node:crypto';

/** A session of IMDSv2 lasts from one second to six hours (AWS, "Use the Instance Metadata Service"). */
const MAXIMUM_SECONDS = 21_600;
const LENGTH = 40;

/** The lifetime that a client asks for. Undefined if the header's value is invalid. */
export function tokenSeconds(value: string | undefined): number | undefined {
  if (value === undefined || !/^\d{1,6}$/.test(value)) return undefined;
  const seconds = Number(value);
  return seconds >= 1 && seconds <= MAXIMUM_SECONDS ? seconds : undefined;
}

/** Issues a token. It contains its own expiry and a signature, so the service keeps no list of tokens. Clients must treat it as opaque. */
export function issueToken(key: string, seconds: number, now: number): string {
  const expiry = Buffer.alloc(8);
  expiry.writeBigUInt64BE(BigInt(now + seconds * 1000));
  return Buffer.concat([expiry, sign(key, expiry)]).toString('base64url');
}

/** Whether a token was issued with this key and has not expired. */
export function isValidToken(key: string, token: string | undefined, now: number): boolean {
  const bytes = Buffer.from(token ?? '', 'base64url');
  if (bytes.length !== LENGTH || bytes.toString('base64url') !== token) return false;
  const expiry = bytes.subarray(0, 8);
  return timingSafeEqual(bytes.subarray(8), sign(key, expiry)) && Number(expiry.readBigUInt64BE()) > now;
}

const sign = (key: string, expiry: Buffer) => createHmac('sha256', key).update(expiry).digest();
