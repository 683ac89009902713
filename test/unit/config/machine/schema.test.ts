import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { checkUserData } from '../../../../src/config/machine/check.ts';
import { SETTINGS } from '../../../../src/recipe/user-data.ts';
import { settingsCorpus } from '../../../support/settings-corpus.ts';

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');
const schema = JSON.parse(read('schemas/user-data.schema.json'));
const validate = new Ajv2020({ strict: false }).compile(schema);

/** Documents of the corpus that a JSON parser accepts. */
const DOCUMENTS = settingsCorpus().flatMap(([name, { document, problems }]) => {
  try {
    return [{ name, value: JSON.parse(document), problems }];
  } catch {
    return [];
  }
});

describe('the JSON schema of user data', () => {
  it('accepts each valid document of the corpus', () => {
    const valid = DOCUMENTS.filter(({ problems }) => problems.length === 0);
    expect(valid.length).toBeGreaterThan(40);
    for (const { name, value } of valid) expect(validate(value), name).toBe(true);
  });

  it('refuses unknown keys, wrong types and numbers out of bounds', () => {
    const wrong = /unknown key|: must be (an? |from|true|either|projects|the name)|must have either/;
    const invalid = DOCUMENTS.filter(({ problems }) => problems.some((text) => wrong.test(text)));
    expect(invalid.length).toBeGreaterThan(60);
    for (const { name, value } of invalid) expect(validate(value), name).toBe(false);
  });

  it('describes each setting', () => {
    expect(Object.keys(schema.properties)).toEqual(SETTINGS);
    for (const [key, property] of Object.entries<{ description?: string }>(schema.properties))
      expect(property.description, key).toMatch(/^[A-Z].*\.$/);
  });
});

describe('docs/images.md', () => {
  const text = read('docs/images.md').split('\n## Settings')[1]?.split('\n## ')[0] ?? '';
  const rows = [...text.matchAll(/^\| `([^`]+)` \| ([^|]*) \| ([^|]*) \|/gm)];

  it('lists each setting in the order of the schema', () =>
    expect(rows.map(([, name]) => name).filter((name) => SETTINGS.some((key) => key === name))).toEqual(
      SETTINGS,
    ));

  it('has the defaults of the schema', () => {
    for (const [, name = '', , cell = ''] of rows) {
      const member = name.startsWith('metrics.')
        ? schema.properties.metrics.properties[name.slice('metrics.'.length)]
        : schema.properties[name];
      if (member?.default !== undefined) expect(cell, name).toContain(`\`${member.default}\``);
    }
  });

  it('has only valid examples', () => {
    const examples = [...text.matchAll(/(?:^ {4}.*\n?)+/gm)]
      .map(([block]) => block)
      .filter((block) => /^ {4}\{/.test(block));
    expect(examples.length).toBeGreaterThan(1);
    for (const example of examples) {
      expect(validate(JSON.parse(example)), example).toBe(true);
      expect(checkUserData(Buffer.from(example), 'aws', new Date())).toEqual([]);
    }
  });
});
