import { createRequire } from 'node:module';
import Ajv from 'ajv6';
import { describe, expect, it } from 'vitest';
import { RULES } from '../../../src/config/finding.ts';
import { toSarif } from '../../../src/config/sarif.ts';
import { lintFor } from '../../support/configurations.ts';

const require = createRequire(import.meta.url);
// The OASIS schema as shipped in Microsoft's SDK (JSON Schema draft 4).
const schema = require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
const ajv = new Ajv({ schemaId: 'id', unknownFormats: 'ignore' });
ajv.addMetaSchema(require('ajv6/lib/refs/json-schema-draft-04.json'));
const validate = ajv.compile(schema);

type Log = ReturnType<typeof JSON.parse>;
const log = (text: string, uri = 'etc/turnserver.conf'): Log =>
  JSON.parse(JSON.stringify(toSarif(lintFor('4.6.1', text), { uri, turnbuildVersion: '0.1.0' })));

describe('SARIF', () => {
  it.each(['', 'lt-cred-mech\nrealm=x\nno-udp=maybe\nbogus', '\uFEFF#\n'])(
    'for %j is valid against the 2.1.0 schema',
    (text) => {
      expect(validate(log(text)) ? [] : validate.errors).toEqual([]);
    },
  );

  it.each<[string, (run: Log) => unknown]>([
    [
      'an unknown level',
      (run) => {
        run.results[0].level = 'fatal';
      },
    ],
    [
      'line 0',
      (run) => {
        run.results[0].locations[0].physicalLocation.region.startLine = 0;
      },
    ],
    [
      'no message',
      (run) => {
        delete run.results[0].message;
      },
    ],
    [
      'no tool',
      (run) => {
        delete run.tool;
      },
    ],
  ])('with %s is invalid', (_, spoil) => {
    const spoilt = log('');
    spoil(spoilt.runs[0]);
    expect(validate(spoilt)).toBe(false);
  });

  it('contains each finding with its rule and location', () => {
    const findings = lintFor('4.6.1', '\n\n  bogus');
    const [run] = log('\n\n  bogus').runs;
    expect(run.results).toHaveLength(findings.length);
    expect(run.results[0]).toMatchObject({
      ruleId: 'unknown-option',
      level: 'error',
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'etc/turnserver.conf' },
            region: { startLine: 3, startColumn: 3 },
          },
        },
      ],
    });
    for (const { ruleIndex, ruleId } of run.results) expect(run.tool.driver.rules[ruleIndex].id).toBe(ruleId);
    expect(run.tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(Object.keys(RULES));
  });
});
