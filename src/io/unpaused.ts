import type { Dispatcher } from 'undici';

/**
 * Receives responses without pausing and buffers them in memory. If undici 7 pauses a response and the server closes the connection
 * meanwhile, an uncatchable AssertionError ends the process (nodejs/undici#5360). Version 8 fixes this but needs Node 22.
 */
export const unpaused: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) =>
  dispatch(options, {
    onRequestStart: (...args) => handler.onRequestStart?.(...args),
    onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
    onResponseStart: (controller, ...args) => handler.onResponseStart?.(withoutPause(controller), ...args),
    onResponseData: (controller, chunk) => handler.onResponseData?.(withoutPause(controller), chunk),
    onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
    onResponseError: (...args) => handler.onResponseError?.(...args),
  });

function withoutPause(controller: Dispatcher.DispatchController): Dispatcher.DispatchController {
  return {
    get aborted() {
      return controller.aborted;
    },
    get reason() {
      return controller.reason;
    },
    paused: false,
    abort: (reason) => controller.abort(reason),
    pause: () => {},
    resume: () => {},
  };
}
