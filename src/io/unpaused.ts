import type { Dispatcher } from 'undici';

/**
 * Has answers arrive as fast as they come, into memory until they are read. undici 7 would pause them, and it ends the process with an
 * AssertionError that nothing can catch if the server closes its connection meanwhile (nodejs/undici#5360). Version 8 does not, but
 * needs Node 22.
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
