import { expect, it } from 'vitest';
import { assetName, isOwnTag } from '../../../../src/publish/github/names.ts';

it.each([
  ['coturn_4.18.0+turnbuild-1~deb13_arm64.deb', 'coturn_4.18.0+turnbuild-1.deb13_arm64.deb'],
  ['coturn-4.18.0+turnbuild-1.el9.x86_64.rpm', 'coturn-4.18.0+turnbuild-1.el9.x86_64.rpm'],
  ['a b(c).txt', 'a.b.c..txt'],
])('GitHub names %s %s', (file, name) => {
  expect(assetName(file)).toBe(name);
});

it.each([
  ['4.18.0+turnbuild-1', true],
  ['4.18.0+turnbuild-1~deb13', false],
  ['4.18.0', false],
  ['v4.18.0', false],
])('the tag %s is one of turnbuild: %s', (tag, own) => {
  expect(isOwnTag(tag)).toBe(own);
});
