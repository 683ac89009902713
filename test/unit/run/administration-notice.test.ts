import { expect, it } from 'vitest';
import type { ManifestStep } from '../../../src/manifest/schema.ts';
import { administrationNotice } from '../../../src/run/administration-notice.ts';

const noticeFor = (...facts: ManifestStep['facts'][]) =>
  administrationNotice({ steps: facts.map((each) => ({ facts: each }) as ManifestStep) });

it('says that an image for EC2 has no SSM agent', () => {
  expect(noticeFor({ ssmAgent: false }, { ssmAgent: false })).toEqual([
    expect.stringContaining('has no SSM agent'),
  ]);
});

it('says nothing of images with the agent, and of other images and packages', () => {
  expect(noticeFor({ ssmAgent: true }, { usage: {} }, undefined)).toEqual([]);
});
