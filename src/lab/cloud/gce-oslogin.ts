import type { GceMachine } from './gce-machine.ts';

const LISTS = ['oslogin/users', 'oslogin/groups'];

/**
 * The answer of OS Login to a question about users and groups, in a project that has none: an empty last page for lists, and undefined, which
 * is 404, for a single one. Everything is 404 if OS Login is not enabled. Source: guest-oslogin, src/oslogin_utils.cc.
 */
export function answerOsLogin(machine: GceMachine, path: string, query: string): string | undefined {
  const enabled = machine.attributes['enable-oslogin'] ?? machine.projectAttributes['enable-oslogin'] ?? '';
  const isList = LISTS.includes(path) && new URLSearchParams(query).has('pagesize');
  return enabled.toUpperCase() === 'TRUE' && isList ? '{"nextPageToken":"0"}' : undefined;
}
