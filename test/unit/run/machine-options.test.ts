import { describe, expect, it } from 'vitest';
import { machineChoices } from '../../../src/run/machine-options.ts';
import { machine } from '../../support/plan-facts.ts';

const choose = (options: Parameters<typeof machineChoices>[0]) => machineChoices(options, machine.recipe);

describe('machineChoices', () => {
  it('chooses both clouds, and the size of the recipe by default', () => {
    expect(choose({})).toEqual({ clouds: ['aws', 'gce'], sizeGiB: 1 });
  });

  it('accepts lists, and sizes with a unit', () => {
    expect(choose({ cloud: ['gce,aws'], size: '8GiB' })).toEqual({
      clouds: ['gce', 'aws'],
      sizeGiB: 8,
    });
    expect(choose({ size: '64G' }).sizeGiB).toBe(64);
  });

  it('leaves SSH to each cloud unless it is chosen', () => {
    expect(choose({})).not.toHaveProperty('ssh');
    expect(choose({ ssh: 'none' }).ssh).toBe('none');
    expect(choose({ ssh: 'cloud' }).ssh).toBe('cloud');
  });

  it.each([
    [{ cloud: ['azure'] }, 'CLOUD_UNKNOWN', 'Unsupported cloud "azure"'],
    [{ cloud: ['gcp'] }, 'CLOUD_UNKNOWN', 'did you mean gce?'],
    [{ size: '0' }, 'OPTION_INVALID', 'from 1 to 64'],
    [{ size: '65' }, 'OPTION_INVALID', 'from 1 to 64'],
    [{ size: '1.5' }, 'OPTION_INVALID', '--size "1.5"'],
    [{ size: '500M' }, 'OPTION_INVALID', '--size "500M"'],
    [{ ssh: 'keys' }, 'OPTION_INVALID', 'Invalid --ssh "keys": expected none or cloud'],
    ...['-1', 'abc', '', ' 1', '1e1', '0x10', '65537', '9'.repeat(400)].map(
      (size): [object, string, string] => [
        { size },
        'OPTION_INVALID',
        `Invalid --size "${size}": expected a whole number of GiB from 1 to 64`,
      ],
    ),
  ])('refuses %j', (options, code, message) => {
    expect(() => choose(options)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});
