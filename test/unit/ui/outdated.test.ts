import { describe, expect, it } from 'vitest';
import { renderOutdated } from '../../../src/ui/outdated.ts';

const coturn = { version: '4.6.1', newest: '4.6.1', outdated: false, fixed: [], where: 'Debian' };
const library = {
  package: 'openssl',
  version: '3.0.17-1~deb12u2',
  suite: 'bookworm',
  newest: '3.0.17-1~deb12u2',
  offeredIn: 'bookworm',
  outdated: false,
  security: false,
};

describe('renderOutdated', () => {
  it('is a table, and says that nothing is due', () => {
    expect(
      renderOutdated({ coturn, libraries: [library] }),
    ).toBe(`         HERE              NOW               IN
coturn   4.6.1             4.6.1             Debian    up to date
openssl  3.0.17-1~deb12u2  3.0.17-1~deb12u2  bookworm  up to date

Nothing is due.
`);
  });

  it('says what is due, and which commands make it', () => {
    const text = renderOutdated({
      coturn: { ...coturn, newest: '4.18.0', outdated: true, fixed: ['CVE-1'], where: 'GitHub' },
      libraries: [
        {
          ...library,
          outdated: true,
          security: true,
          newest: '3.0.17-1~deb12u3',
          offeredIn: 'bookworm-security',
        },
        { ...library, package: 'zlib', newest: undefined, offeredIn: undefined },
      ],
    });
    expect(text).toContain('security: fixes CVE-1');
    expect(text).toContain('bookworm-security  security update');
    expect(text).toContain('no longer in the archive');
    expect(text).toContain('turnbuild release 4.18.0\n');
    expect(text).toContain('turnbuild release 4.6.1 --revision auto');
  });

  it('says so where nothing is linked in', () => {
    expect(renderOutdated({ coturn, libraries: [] })).toContain('updated by the distribution');
  });
});
