import { afterEach, expect, test, vi } from 'vitest';
import { checkedPath, checkLinks, createNameRegister } from '../../../src/io/tar-rules.ts';

afterEach(() => vi.restoreAllMocks());

const deep = (parts: number) => Array.from({ length: parts }, (_, index) => `d${index}`).join('/');
const linksOf = (count: number, target: string) =>
  Array.from({ length: count }, (_, index) => ({ path: `l${index}`, type: 'symlink' as const, target }));

test('a name has at most 32 parts', () => {
  expect(checkedPath(deep(32))).toBe(deep(32));
  expect(() => checkedPath(deep(33))).toThrow('has more than 32 path components');
});

test('a link target has at most 32 parts, and there are at most 1,000 links', () => {
  checkLinks(linksOf(1000, deep(32)));
  expect(() => checkLinks(linksOf(1001, 'a'))).toThrow(
    '"l1000" makes the tar file contain more than 1000 symbolic links',
  );
  expect(() => checkLinks(linksOf(1, deep(33)))).toThrow('has a target with more than 32 path components');
});

test('known parent folders are not normalized again for each file', () => {
  const register = createNameRegister();
  register.add(`${deep(30)}/first`, 'file');
  const folds = vi.spyOn(String.prototype, 'normalize');
  for (let index = 0; index < 10; index++) register.add(`${deep(30)}/${index}`, 'file');
  // Two calls per name: for the file and for its folder.
  expect(folds).toHaveBeenCalledTimes(10 * 2 * 2);
});
