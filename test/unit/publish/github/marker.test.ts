import { describe, expect, it } from 'vitest';
import {
  formatMarker,
  isWithdrawn,
  markerIn,
  withdrawnNotes,
} from '../../../../src/publish/github/marker.ts';

const MARKER = {
  release: '4.18.0+turnbuild-1',
  manifest: 'a'.repeat(64),
  libraries: { openssl: ['3.0.17-1'] },
};

describe('a marker', () => {
  it('is read as it was written, among other text', () => {
    expect(markerIn(`Notes\r\n${formatMarker(MARKER)}\r\n`)).toEqual(MARKER);
  });

  it('cannot end its comment early', () => {
    const hostile = { ...MARKER, release: '--> <b>' };
    expect(formatMarker(hostile).match(/>/g)).toHaveLength(1);
    expect(markerIn(formatMarker(hostile))).toEqual(hostile);
  });

  it.each(['', 'Notes', '<!-- turnbuild {} -->', '<!-- turnbuild {"release": -->'])(
    'is not found in %j',
    (notes) => {
      expect(markerIn(notes)).toBeUndefined();
    },
  );
});

describe('the notes of a withdrawn release', () => {
  const notes = `Notes\n\n${formatMarker(MARKER)}\n`;

  it('start with the reason, in one line and without HTML', () => {
    expect(
      withdrawnNotes(notes, '4.18.0+turnbuild-1', ' crashes\non <b>start</b> '),
    ).toBe(`<!-- turnbuild withdrawn -->
> [!CAUTION]
> **coturn 4.18.0+turnbuild-1 was withdrawn:** crashes on &lt;b>start&lt;/b>
>
> Do not install it. Its files are still here for machines that have it.

<!-- turnbuild end -->

${notes}`);
  });

  it('have one reason, and keep the rest', () => {
    const once = withdrawnNotes(notes, 'x', 'bad');
    expect(isWithdrawn(notes)).toBe(false);
    expect(isWithdrawn(once)).toBe(true);
    expect(withdrawnNotes(once, 'x', 'worse')).toBe(withdrawnNotes(notes, 'x', 'worse'));
    expect(markerIn(once)).toEqual(MARKER);
  });
});
