import type { ServiceName } from './behaviour.ts';
import type { CloudRequest } from './exchange.ts';

/** A request as it was made, without values that could be secret. */
export interface RequestRecord {
  readonly service: ServiceName;
  readonly method: string;
  readonly path: string;
  /** Names of query parameters. */
  readonly query: readonly string[];
  /** Names of headers in lower case, sorted. */
  readonly headers: readonly string[];
  /** The action of an AWS API. */
  readonly target?: string;
  /** When it arrived, in milliseconds since 1970. */
  readonly at: number;
  /** Undefined while it is unanswered, and if the client hung up first. */
  readonly status?: number;
}

/** The requests to a simulated cloud, in order of arrival. */
export interface RequestLog {
  /** Adds a request. Call the function that it returns with the response's status. */
  add(record: RequestRecord): (status: number) => void;
  all(): readonly RequestRecord[];
}

export function recordOf(service: ServiceName, request: CloudRequest, at: number): RequestRecord {
  const target = request.headers['x-amz-target'];
  return {
    service,
    method: request.method,
    path: request.path,
    query: [...new URLSearchParams(request.query).keys()],
    headers: Object.keys(request.headers).sort(),
    // Anything else in this header is not the name of an action.
    ...(target !== undefined && /^\w+\.\w+$/.test(target) ? { target } : {}),
    at,
  };
}

export function createRequestLog(): RequestLog {
  const records: RequestRecord[] = [];
  return {
    add(record) {
      const index = records.push(record) - 1;
      return (status) => {
        records[index] = { ...record, status };
      };
    },
    all: () => [...records],
  };
}
