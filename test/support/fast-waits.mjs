// Preloaded into turnbuild by tests: all pauses and time-outs take a hundredth of the time.
import './github/fast-clock.mjs';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

const original = timers.setTimeout;
timers.setTimeout = (ms, ...rest) => original(ms >= 100 ? ms / 100 : ms, ...rest);
syncBuiltinESMExports();
