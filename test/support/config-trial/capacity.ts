import { candidatesOf } from './generate.ts';
import type { Trial } from './observation.ts';

/** Ranges of relay ports, with the numbers of ports and pairs of ports that `turnbuild capacity` computes. */
export const RANGES = [
  { ports: '49153-49154', all: 2, pairs: 0 },
  { ports: '49153-49156', all: 4, pairs: 1 },
  { ports: '49152-49153', all: 2, pairs: 1 },
  { ports: '49152-49152', all: 1, pairs: 0 },
  { ports: '49153-49153', all: 1, pairs: 0 },
  { ports: '49152-49161', all: 10, pairs: 5 },
  { ports: '49152-49160', all: 9, pairs: 4 },
  { ports: '49153-49161', all: 9, pairs: 4 },
  { ports: '49153-49162', all: 10, pairs: 4 },
] as const;

/** Trials that fill each range with ports and with pairs. */
export function fillTrials(version: string): (Trial & { expected: number; range: string })[] {
  return RANGES.flatMap(({ ports, all, pairs }) =>
    (['ports', 'pairs'] as const).map((fill) => {
      const [min, max] = ports.split('-');
      const text = `lt-cred-mech\nuser=alice:Wq7-horse.battery_41\nrealm=example.org\nmin-port=${min}\nmax-port=${max}\n`;
      const expected = fill === 'ports' ? all : pairs;
      return {
        id: 0,
        version,
        text,
        credentials: candidatesOf(text),
        peers: [],
        fill,
        expected,
        range: ports,
      };
    }),
  );
}
