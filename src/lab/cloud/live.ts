import type { CloudState } from './state.ts';

/** A state that changes while clients wait. */
export interface LiveCloud {
  state(): CloudState;
  /** Replaces the state and wakes up all clients that wait for a change. */
  change(update: (state: CloudState) => CloudState): void;
  /** Resolves with true at the next change, or with false after a time or when the signal aborts. */
  changed(timeoutMs: number | undefined, signal: AbortSignal): Promise<boolean>;
}

export function createLiveCloud(initial: CloudState): LiveCloud {
  let state = initial;
  const waiting = new Set<(hasChanged: boolean) => void>();
  return {
    state: () => state,
    change(update) {
      state = update(state);
      for (const wake of [...waiting]) wake(true);
    },
    changed: (timeoutMs, signal) =>
      new Promise((resolve) => {
        const wake = (hasChanged: boolean) => {
          waiting.delete(wake);
          clearTimeout(timer);
          signal.removeEventListener('abort', abort);
          resolve(hasChanged);
        };
        const abort = () => wake(false);
        const timer = timeoutMs === undefined ? undefined : setTimeout(abort, timeoutMs);
        waiting.add(wake);
        signal.addEventListener('abort', abort);
        if (signal.aborted) abort();
      }),
  };
}
