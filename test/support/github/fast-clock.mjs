// Preloaded into turnbuild by tests.
import { fastTimers } from './fast-timers.mjs';

fastTimers();
