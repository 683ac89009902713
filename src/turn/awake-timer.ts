/** Milliseconds that are counted at a time. */
const SLICE_MS = 250;

/**
 * A timer that counts only time in which this process could run. On a busy machine a process may stand still for seconds, and then timers
 * that have run out come before what has arrived at its sockets meanwhile.
 * @returns a function that stops it
 */
export function startAwakeTimer(ms: number, onEnd: () => void): () => void {
  let left = ms;
  let stopped = false;
  const next = () => {
    if (stopped) return;
    if (left <= 0) {
      // Sockets are read between timers and immediates.
      setImmediate(() => {
        if (!stopped) onEnd();
      });
      return;
    }
    const slice = Math.min(left, SLICE_MS);
    left -= slice;
    setTimeout(next, slice);
  };
  next();
  return () => {
    stopped = true;
  };
}
