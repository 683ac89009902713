import type { LabFacts, SessionFacts } from './facts.ts';
import { EVEN_PORTS } from './scenarios/even-port.ts';
import { MESSAGE_BYTES } from './scenarios/relay.ts';

/** Seed of the hostile packets. All packages get the same packets, so that findings are reproducible. */
export const SEED = 20260823;

const noSessions: SessionFacts = {
  sessions: 0,
  messages: 0,
  channelMessages: 0,
  bytesPerMessage: MESSAGE_BYTES,
  before: '',
  after: '',
};

/** The initial facts, which fail every check. */
export function nothing(): LabFacts {
  return {
    reach: [],
    relays: [],
    ttl: { packets: 0, minTtl: 256 },
    answers: [],
    unparsed: [],
    independent: [],
    forbidden: {
      attempts: [],
      leaked: [],
      control: { received: 0, captured: 0 },
      control6: { received: 0, captured: 0 },
    },
    capacity: {
      ports: 0,
      cycles: [],
      pairs: 0,
      claimed: 0,
      afterPairs: 0,
      perAllocation: { files: 0, residentBytes: 0 },
    },
    evenPort: { cycles: 0, granted: 0, refused: [], ports: EVEN_PORTS, servedAfterwards: 0 },
    scrapes: { scrapes: 0, succeeded: 0, before: 0, after: 0 },
    metricsReach: [],
    hostile: { seed: SEED, packets: 0, overTcp: 0, ended: undefined, suspects: [], afterwards: 'not tried' },
    sessions: noSessions,
    restSessions: { ...noSessions, relays: [] },
    service: {
      emulated: false,
      fragments: [],
      state: 'not tried',
      log: '',
      restarted: 'not tried',
      stopped: 'not tried',
      reached: [],
    },
    servers: {},
    problems: {},
    blocked: {},
    logs: {},
    seconds: {},
  };
}
