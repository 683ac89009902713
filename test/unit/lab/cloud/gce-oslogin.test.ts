import { describe, expect, it } from 'vitest';
import { answerGce } from '../../../../src/lab/cloud/gce.ts';
import type { GceMachine } from '../../../../src/lab/cloud/gce-machine.ts';
import { GCE_MACHINE, get, NOW, textOf } from '../../../support/cloud.ts';

const GOOGLE = { 'metadata-flavor': 'Google' };
const ask = (path: string, machine = GCE_MACHINE, headers: Record<string, string> = GOOGLE) =>
  answerGce(machine, get(`/computeMetadata/v1/${path}`, headers), NOW);

describe('OS Login', () => {
  const withAttributes = (attributes: GceMachine['attributes']): GceMachine => ({
    ...GCE_MACHINE,
    attributes,
  });

  it.each(['oslogin/users?pagesize=2048', 'oslogin/groups?pagesize=2048&pagetoken=x'])(
    'has an empty list if it is enabled: %s',
    (path) => {
      expect(JSON.parse(textOf(ask(path)))).toEqual({ nextPageToken: '0' });
      expect(ask(path, GCE_MACHINE, {}).status).toBe(403);
      expect(ask(path, withAttributes({})).status).toBe(404);
      expect(ask(path, withAttributes({ 'enable-oslogin': 'FALSE' })).status).toBe(404);
      const project = { ...withAttributes({}), projectAttributes: { 'enable-oslogin': 'true' } };
      expect(ask(path, project).status).toBe(200);
      expect(ask(path, { ...project, attributes: { 'enable-oslogin': 'FALSE' } }).status).toBe(404);
    },
  );

  it.each([
    'oslogin/users?username=root',
    'oslogin/users?uid=0',
    'oslogin/groups?gid=0',
    'oslogin/authorize?email=x',
  ])('knows nobody: %s', (path) => expect(ask(path).status).toBe(404));
});
