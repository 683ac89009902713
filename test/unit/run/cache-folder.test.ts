import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { cacheFolder } from '../../../src/run/session.ts';

const usual = join(homedir(), '.cache/turnbuild');
it.each([
  [{}, usual],
  [{ TURNBUILD_CACHE: '', XDG_CACHE_HOME: '' }, usual],
  [{ XDG_CACHE_HOME: 'caches' }, usual],
  [{ XDG_CACHE_HOME: '/caches' }, '/caches/turnbuild'],
  [{ TURNBUILD_CACHE: '', XDG_CACHE_HOME: '/caches' }, '/caches/turnbuild'],
  [{ TURNBUILD_CACHE: '/own', XDG_CACHE_HOME: '/caches' }, '/own'],
  [{ TURNBUILD_CACHE: 'own' }, resolve('own')],
])('with the environment %j the cache folder is %s', (env, folder) => expect(cacheFolder(env)).toBe(folder));
