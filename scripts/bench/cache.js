// @ts-check
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

const { TURNBUILD_CACHE = '', XDG_CACHE_HOME = '' } = process.env;

/** The cache folder that turnbuild itself uses. @see src/run/session.ts, cacheFolder() */
export const cache =
  TURNBUILD_CACHE === ''
    ? join(isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), '.cache'), 'turnbuild')
    : resolve(TURNBUILD_CACHE);
