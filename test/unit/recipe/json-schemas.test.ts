import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { manifestSchema } from '../../../src/manifest/schema.ts';
import { formatManifest } from '../../../src/manifest/store.ts';
import { planSchema } from '../../../src/plan/document.ts';
import { advisoriesSchema, quarantineSchema } from '../../../src/recipe/advisories.ts';
import { deviationsSchema } from '../../../src/recipe/deviations.ts';
import { machineSchema } from '../../../src/recipe/machine.ts';
import { metricsSchema } from '../../../src/recipe/metrics.ts';
import { projectSchema } from '../../../src/recipe/project.ts';
import {
  compatibilitySchema,
  extendingSchema,
  releaseSchema,
  targetSchema,
} from '../../../src/recipe/schema.ts';
import { userDataSchema } from '../../../src/recipe/user-data.ts';
import { fixture } from '../ui/manifest-fixture.ts';

const ROOT = new URL('../../../', import.meta.url);
const SCHEMAS = {
  project: projectSchema,
  target: z.union([targetSchema, extendingSchema]),
  release: releaseSchema,
  compatibility: compatibilitySchema,
  advisories: advisoriesSchema,
  quarantine: quarantineSchema,
  metrics: metricsSchema,
  deviations: deviationsSchema,
  machine: machineSchema,
  'user-data': userDataSchema,
  plan: planSchema.extend({ digest: z.string() }),
  manifest: manifestSchema.extend({ digest: z.string() }),
};

// The JSON schemas lack zod's refinements across members, which only turnbuild itself checks.
describe.each(Object.entries(SCHEMAS))('the JSON schema of %s', (name, schema) => {
  it('matches the file in schemas/; to update: npx vitest run --project unit test/unit/recipe/json-schemas.test.ts -u', async () => {
    const text = `${JSON.stringify(z.toJSONSchema(schema, { io: 'input' }), undefined, 2)}\n`;
    await expect(text).toMatchFileSnapshot(`../../../schemas/${name}.schema.json`);
  });
});

it('the manifest schema accepts a written manifest, but no unknown member', () => {
  const schema = JSON.parse(readFileSync(new URL('schemas/manifest.schema.json', ROOT), 'utf8'));
  const validate = addFormats.default(new Ajv2020({ strict: false })).compile(schema);
  const written = JSON.parse(formatManifest(fixture(), () => '0'.repeat(64)));
  expect(validate(written), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ ...written, unknown: 1 })).toBe(false);
});

const RECIPES = [
  ...readdirSync(new URL('recipes/targets/', ROOT)).map((file) => [
    `recipes/targets/${file}`,
    'target',
    '../../',
  ]),
  ...['release', 'advisories', 'quarantine', 'metrics', 'deviations'].map((name) => [
    `recipes/${name}.yaml`,
    name,
    '../',
  ]),
  ['patches/compatibility.yaml', 'compatibility', '../'],
] as [path: string, schema: string, up: string][];

describe.each(RECIPES)('%s', (path, name, up) => {
  const text = readFileSync(new URL(path, ROOT), 'utf8');

  it('names its JSON schema for editors', () => {
    expect(text.split('\n')[0]).toBe(`# yaml-language-server: $schema=${up}schemas/${name}.schema.json`);
  });

  it('matches its JSON schema, which refuses unknown members', () => {
    const schema = JSON.parse(readFileSync(new URL(`schemas/${name}.schema.json`, ROOT), 'utf8'));
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    const validate = ajv.compile(schema);
    const value = parse(text);
    expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
    const [first] = Array.isArray(value) ? value : [value];
    expect(first, 'the recipe is empty').toBeDefined();
    first.unknown = 1;
    expect(validate(value)).toBe(false);
  });
});
