import { describe, expect, it } from 'vitest';
import { renderTemplate } from '../../../src/packaging/template.ts';

const input = {
  values: { name: 'coturn', count: 3 },
  options: new Set(['prometheus', 'no-cli']),
  metrics: new Set(['turn_packet_dropped']),
  features: new Set(['systemd']),
};

describe('renderTemplate', () => {
  it('replaces names by values', () => {
    expect(renderTemplate('{{name}} x {{count}}', input)).toBe('coturn x 3');
  });

  it('keeps the lines of a known option and drops those of an unknown one', () => {
    const text = '%if-option no-cli\nno-cli\n%else\nother\n%end\n%if-option gone\ngone\n%end\nlast';
    expect(renderTemplate(text, input)).toBe('no-cli\nlast');
  });

  it('distinguishes metrics from options', () => {
    const text =
      '%if-metric turn_packet_dropped\na\n%end\n%if-metric no-cli\nb\n%else\nc\n%end\n%if-option turn_packet_dropped\nd\n%end';
    expect(renderTemplate(text, input)).toBe('a\nc');
  });

  it('distinguishes features from options', () => {
    const text =
      '%if-feature systemd\na\n%else\nb\n%end\n%if-feature drain\nc\n%end\n%if-option systemd\nd\n%end';
    expect(renderTemplate(text, input)).toBe('a');
  });

  it('supports nested conditions', () => {
    const text = '%if-option prometheus\na\n%if-option gone\nb\n%else\nc\n%end\n%end\nd';
    expect(renderTemplate(text, input)).toBe('a\nc\nd');
  });

  it.each([
    ['{{missing}}', /line 1.*missing/],
    ['ok\n%end', /line 2/],
    ['%else', /line 1/],
    ['%if-metric\n%end', /line 1/],
    ['%if-option prometheus\nx', /without %end/],
  ])('refuses %j', (text, message) => {
    expect(() => renderTemplate(text, input)).toThrow(message);
  });
});
