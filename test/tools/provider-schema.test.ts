import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { writtenSchema } from '../../tools/provider-schema.ts';

it('the schema describes each part of a definition and lists the error codes', () => {
  const { properties, $defs } = JSON.parse(writtenSchema());
  const silent = Object.keys(properties).filter(name => !properties[name].description && !properties[name].$ref);
  expect(silent).toEqual([]);
  expect(properties.errors.items.properties.code.enum).toContain('invalid_grant');
  expect(Object.keys($defs).toSorted()).toEqual(['address', 'json', 'request']);
});

it('each definition of the catalogue names the schema', () => {
  for (const file of readdirSync('catalogue')) {
    expect([file, JSON.parse(readFileSync(`catalogue/${file}`, 'utf8')).$schema]).toEqual([
      file,
      '../docs/provider.schema.json',
    ]);
  }
});
