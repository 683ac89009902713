import { describe, expect, it } from 'vitest';
import { good, judge, PLANTED } from '../../support/planted/sanitizer.ts';

describe('packets.sanitizer', () => {
  it('passes on the recorded facts', () => {
    expect(judge({ lab: good() })).toMatchObject({ ok: true, figures: { packets: 20_000 } });
  });

  it.each(PLANTED)('detects a planted fault: %s', (_, change, message) => {
    const lab = good();
    change(lab);
    expect(judge({ lab })).toMatchObject({ ok: false, message: expect.stringMatching(message) });
  });

  it('fails if it was not run, and is skipped with a reason if it cannot run', () => {
    const { sanitized: _, ...lab } = good();
    expect(judge({ lab })).toMatchObject({ ok: false, message: expect.stringMatching(/was not run/) });
    expect(judge({ lab: undefined })).toMatchObject({ ok: false });
    expect(judge({ lab, sanitizes: false })).toMatchObject({
      without: 'cannot-here',
      message: expect.stringMatching(/^AddressSanitizer needs a native build from source/),
    });
  });
});
