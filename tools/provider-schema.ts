import { readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { definitionSchema } from '../lib/definition/schema.ts';

/** JSON Schema of a definition, for editors. `npm run schema` writes it to docs/provider.schema.json. */

const FILE = new URL('../docs/provider.schema.json', import.meta.url);

export const providerSchema = (): string => {
  const { $schema, ...schema } = z.toJSONSchema(definitionSchema, { io: 'input' });
  const named = { $schema, title: 'A provider of token-refresher', description: 'See docs/providers.md.', ...schema };
  return `${JSON.stringify(named, null, 2)}\n`;
};

/** The file as it is. */
export const writtenSchema = (): string => readFileSync(FILE, 'utf8');

if (import.meta.main) writeFileSync(FILE, providerSchema());
