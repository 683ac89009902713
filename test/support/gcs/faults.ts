/** What goes wrong with a request. */
export type Fault =
  /** No answer; nothing is done. */
  | 'silence-before'
  /** No answer, although it is done. */
  | 'silence-after'
  /** The connection is lost before anything is done. */
  | 'reset-before'
  /** The connection is lost before the answer, although it is done. */
  | 'reset-after'
  /** The connection is lost half-way through the request's body; without one, through the answer's. */
  | 'reset-within'
  /** The request arrives twice; the second answer is sent. */
  | 'twice'
  /** A byte of the request's body changes on its way; without one, of the answer's. */
  | 'damaged'
  /** This answer; `after`: although it is done. */
  | {
      status: number;
      reason?: string;
      message?: string;
      retryAfter?: string;
      range?: string;
      after?: boolean;
    };

/** All faults without an answer of their own, except those that take as long as the client's patience. */
export const QUICK_FAULTS = ['reset-before', 'reset-after', 'reset-within', 'twice', 'damaged'] as const;

/** A request, as the simulator has seen it. */
export interface Call {
  /** E.g. `objects.insert`, `upload` (a request to a session) or `token`. */
  operation: string;
  method: string;
  path: string;
  /** Whether it begins an upload in chunks, without content. */
  isBeginning: boolean;
  /** The object's name, or the prefix of a list; '' if there is neither. */
  name: string;
  /** Bytes of the request's body that arrived. */
  received: number;
  contentRange: string | undefined;
  hasToken: boolean;
  /** Permissions that it needed. */
  permissions: string[];
  /** 0: no answer. */
  status: number;
  fault: Fault | undefined;
}
