import type { BeforeAttempt } from './bucket.ts';

type Next = (args: { request: { headers: Record<string, string> } }) => unknown;

/** Adds a middleware of the SDK to a command. */
function extend(command: { middlewareStack: unknown }, middleware: (next: Next) => Next, step: object): void {
  const stack = command.middlewareStack as { add(middleware: (next: Next) => Next, options: object): void };
  stack.add(middleware, step);
}

/** Calls a check before each attempt of a command that the SDK repeats. */
export function checkAttempts(command: { middlewareStack: unknown }, before: BeforeAttempt): void {
  const middleware = (next: Next) => async (args: Parameters<Next>[0]) => {
    await before();
    return next(args);
  };
  // The SDK's repetition is earlier in this step.
  extend(command, middleware, { step: 'finalizeRequest', priority: 'low', name: 'checkAttempts' });
}

/** Signs the content of a stream by its known digest. Services that ignore the checksum check the signature. */
export function signPayload(command: { middlewareStack: unknown }, sha256: string): void {
  extend(
    command,
    (next) => (args) => {
      args.request.headers['x-amz-content-sha256'] = sha256;
      return next(args);
    },
    { step: 'build', name: 'signPayload' },
  );
}
