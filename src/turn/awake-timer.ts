/** Length of one step in milliseconds. */
const SLICE_MS = 250;

/**
 * Starts a timer that counts only the time in which this process could run. On a busy machine the process may be suspended for seconds.
 * Expired timers would then fire before the data that has arrived at its sockets is read.
 * @returns a function that stops the timer
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
