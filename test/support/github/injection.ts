/** A response that is not a success. */
export interface Failure {
  status: number;
  message?: string;
  /** Those of a validation. */
  errors?: readonly object[];
  headers?: Readonly<Record<string, string>>;
  /** GitHub has done what the request asks for. */
  after?: boolean;
}

/**
 * What goes wrong with a request: before GitHub has done what it asks for, after it, in the middle of an upload or of the response. `damage`: a
 * file changes on its way; `lie`: GitHub says a wrong digest; `twice`: the request arrives twice, and the second response is received; `killed`:
 * the process dies before GitHub has done it, after it, or in the middle of an upload.
 */
export type How =
  | Failure
  | 'reset before'
  | 'reset after'
  | 'reset halfway'
  | 'reset in response'
  | 'silence'
  | 'silence after'
  | 'damage'
  | 'lie'
  | 'twice'
  | 'killed before'
  | 'killed after'
  | 'killed halfway';

export interface Fault {
  /** The request: `POST upload`, `PATCH release`; `GET file` is a download from the other address. */
  on: string;
  /** The how-manieth such request fails, from 1 on. */
  nth?: number;
  /** How many fail, one after another. */
  times?: number;
  how: How;
}

/** Faults, and how often each has happened. */
export class Injection {
  #faults: (Fault & { seen: number; failed: number })[] = [];

  /** Lets a request fail. @returns how many have failed */
  fail(fault: Fault): () => number {
    const own = { ...fault, seen: 0, failed: 0 };
    this.#faults.push(own);
    return () => own.failed;
  }

  /** What goes wrong with a request that has just arrived. */
  of(name: string): How | undefined {
    let found: How | undefined;
    for (const fault of this.#faults) {
      if (fault.on !== name) continue;
      fault.seen += 1;
      const from = fault.nth ?? 1;
      if (fault.seen >= from && fault.seen < from + (fault.times ?? 1)) {
        found = fault.how;
        fault.failed += 1;
      }
    }
    return found;
  }

  clear(): void {
    this.#faults = [];
  }
}
