import type { CloudResponse } from './exchange.ts';

/** A simulated service: the metadata of the machine, or the APIs that hold its secrets. */
export type ServiceName = 'metadata' | 'secrets';

/** How a service refuses to return a secret. An absent secret is not found. */
export type Refusal = 'denied' | 'throttled';

/** A way to misbehave. */
export type Fault =
  /** Answer late. */
  | { readonly do: 'delay'; readonly ms: number }
  /** Accept the request and never answer. The connection ends with the fault. */
  | { readonly do: 'silence' }
  /** Answer with an error's status. */
  | { readonly do: 'refuse'; readonly status: number }
  /** Answer 200 with an HTML page, like a captive portal. */
  | { readonly do: 'garbage' }
  /** Replace a value with this text, such as a wrong address. Errors stay. */
  | { readonly do: 'say'; readonly text: string }
  /** Answer with a redirect. */
  | { readonly do: 'redirect'; readonly location: string };

/** A fault that replaces the response. */
export type Answered = Exclude<Fault, { do: 'delay' | 'silence' }>;

/** A fault and the requests that have it. */
export interface FaultRule {
  readonly fault: Fault;
  readonly service: ServiceName;
  /** A regular expression for paths. Without one, all requests have the fault. */
  readonly path?: string;
}

/** The faults of a request: how long to wait, and what to do then. */
export interface Misbehaviour {
  readonly delayMs: number;
  readonly instead: Exclude<Fault, { do: 'delay' }> | undefined;
}

/** Finds the faults of a request. Delays add up. Of other faults, the first rule wins. */
export function misbehaviourOf(
  rules: readonly FaultRule[],
  service: ServiceName,
  path: string,
): Misbehaviour {
  const faults = rules
    .filter((rule) => rule.service === service && new RegExp(rule.path ?? '').test(path))
    .map(({ fault }) => fault);
  return {
    delayMs: faults.reduce((sum, fault) => sum + (fault.do === 'delay' ? fault.ms : 0), 0),
    instead: faults.find((fault) => fault.do !== 'delay'),
  };
}

/**
 * Replaces the right response with a fault's. `say` keeps the headers, so that a wrong value looks like a right one, and keeps errors, so
 * that the service's rules still apply.
 */
export function spoil(response: CloudResponse, fault: Answered): CloudResponse {
  switch (fault.do) {
    case 'refuse':
      return { status: fault.status, headers: HTML, body: `<html><body>${fault.status}</body></html>\n` };
    case 'garbage':
      return {
        status: 200,
        headers: HTML,
        body: '<!DOCTYPE html>\n<html><body>Please log in</body></html>\n',
      };
    case 'say':
      return response.status === 200 ? { ...response, body: fault.text } : response;
    case 'redirect':
      return { status: 302, headers: { ...HTML, location: fault.location }, body: '' };
  }
}

const HTML = { 'content-type': 'text/html; charset=utf-8' };
