import type { Case } from './cases.ts';
import type { Failure } from './failure.ts';
import type { Schedule } from './run.ts';

/** The SDK of AWS repeats only about a hundred calls of a client. */
const MAX_FAILURES = 50;

/**
 * Schedules in which the calls of an operation fail once in each way after which they are repeated, except the slow ones. In each schedule,
 * many calls fail, each in another way. Of calls that differ only in a digest, an architecture or the type of metadata, the first counts.
 */
export function repeatedFailures<S>(chosen: Case<S>, failures: readonly Failure[]): Schedule<S>[] {
  const first = new Map(chosen.calls.toReversed().map((call) => [withoutDetails(call), call] as const));
  const possible = [...first.values()].map((call) => ({
    call,
    all: failures.filter((each) => each.ends === undefined && !each.isSlow && each.calls.test(call)),
  }));
  const groups = Array.from({ length: Math.ceil(possible.length / MAX_FAILURES) }, (_, index) =>
    possible.slice(index * MAX_FAILURES, (index + 1) * MAX_FAILURES),
  );
  return groups.flatMap((group, part) => {
    const count = Math.max(...group.map(({ all }) => all.length));
    return Array.from({ length: count }, (_, round) => ({
      name: `round ${round} of part ${part}`,
      chosen,
      failures: new Map(
        group.map(({ call, all }, index) => [call, all[(index + round) % all.length] as Failure]),
      ),
    }));
  });
}

/** A call without digests, architectures and types of metadata. */
function withoutDetails(call: string): string {
  return call
    .replace(/[0-9a-f]{64}/g, 'DIGEST')
    .replace(/-[0-9a-f]{16}\//g, '-STATE/')
    .replace(/\b(?:source|src|x86_64)\b/g, 'ARCHITECTURE')
    .replace(/-(?:primary|filelists|other)\.xml/, '-DATA.xml')
    .replace(/coturn-dbgsym_/, 'coturn_');
}

/**
 * Schedules in which a call of each kind fails once in each way that ends the run or is slow. The operations take turns.
 * @param cases all of them
 */
export function singleFailures<S>(cases: readonly Case<S>[], failures: readonly Failure[]): Schedule<S>[] {
  const kinds = new Map<string, { chosen: Case<S>; call: string }[]>();
  for (const chosen of cases)
    for (const call of chosen.calls) {
      const kind = kindOf(call);
      kinds.set(kind, [...(kinds.get(kind) ?? []), { chosen, call }]);
    }
  return [...kinds].flatMap(([kind, calls], first) =>
    failures
      .filter((each) => each.ends !== undefined || each.isSlow)
      .flatMap((failure, index) => {
        const own = calls.filter(({ call }) => failure.calls.test(call));
        // A prime number, so that neighbours are of different operations.
        const found = own[((first + index) * 101) % own.length];
        if (found === undefined) return [];
        const { chosen, call } = found;
        return [{ name: `${failure.name} of ${kind}`, chosen, failures: new Map([[call, failure]]) }];
      }),
  );
}

/** What files are for: pattern of the path -> kind. The first that matches counts. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/\/\.lock/, 'lock'],
  [/\.(?:deb|rpm)\b/, 'package'],
  [/\/(?:InRelease|mirrorlist|repomd\.xml(?:\.asc)?) /, 'pointer'],
  [/\/(?:by-hash|repodata)\/|\/Packages/, 'index'],
  [/\/ #/, 'folder'],
];

/** Operation and kind of file of a call. */
export function kindOf(call: string): string {
  const [operation] = call.split(' ');
  return `${operation} ${KINDS.find(([pattern]) => pattern.test(call))?.[1] ?? 'other file'}`;
}
