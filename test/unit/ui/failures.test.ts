import { describe, expect, it } from 'vitest';
import { describeFailures, type Failure } from '../../../src/ui/failures.ts';

const GROUPS = ['debian-12 arm64', 'debian-12 x86_64', 'debian-13 arm64', 'portable x86_64'];
const failure = (group: string, task: string, message: string, verdicts = false): Failure => ({
  ...{ group, task, message, verdicts },
});

describe('describeFailures', () => {
  it('names the task of a single failure', () =>
    expect(describeFailures([failure('debian-12 arm64', 'build', 'no compiler\nline 2')])).toBe(
      'build failed for debian-12 arm64:\nno compiler\nline 2',
    ));

  it('reports a cause common to several packages once, in lines of 80 columns', () => {
    const text = describeFailures(
      GROUPS.map((group) => failure(group, 'build', `${group.replace(' ', ':')}: full\n${group}.c:1`)),
    );
    expect(text).toBe(
      'build failed for debian-12 arm64, debian-12 x86_64, debian-13 arm64,\nportable x86_64:\ndebian-12:arm64: full\ndebian-12 arm64.c:1',
    );
  });

  it('reports a cause common to several base images once', () => {
    const bases = ['bookworm-arm64', 'trixie-x86_64'];
    const text = describeFailures(
      bases.map((name) => failure(`base image ${name}`, 'bootstrap', `${name}: no mirror answers`)),
    );
    expect(text).toBe(
      'bootstrap failed for base image bookworm-arm64, base image trixie-x86_64:\nbookworm-arm64: no mirror answers',
    );
  });

  it('separates different causes and tasks', () =>
    expect(
      describeFailures([
        failure('debian-12 arm64', 'build', 'no compiler'),
        failure('debian-13 arm64', 'build', 'no library'),
        failure('portable arm64', 'package', 'no compiler'),
      ]),
    ).toBe(
      'build failed for debian-12 arm64:\nno compiler\n\nbuild failed for debian-13 arm64:\nno library\n\npackage failed for portable arm64:\nno compiler',
    ));

  it('reports each verdict once, below all packages it applies to', () =>
    expect(
      describeFailures([
        failure('debian-12 arm64', 'verify', 'TTL 1\n2 checks failed\nnetwork.ttl: 1\nrelay.udp: none', true),
        failure('debian-13 arm64', 'verify', 'TTL 1\n1 check failed\nnetwork.ttl: 1', true),
      ]),
    ).toBe(
      [
        'verify failed for debian-12 arm64, debian-13 arm64:\nTTL 1\nnetwork.ttl: 1',
        'verify failed for debian-12 arm64:\n2 checks failed\nrelay.udp: none',
        'verify failed for debian-13 arm64:\n1 check failed',
      ].join('\n\n'),
    ));
});
