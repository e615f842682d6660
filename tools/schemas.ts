import { readFileSync, writeFileSync } from 'node:fs';
import { openApi } from './openapi.ts';
import { postman } from './postman.ts';
import { providerSchema } from './provider-schema.ts';

/** The files in docs that `npm run schema` makes from the sources. */
export const schemas = {
  'provider.schema.json': providerSchema,
  'openapi.json': openApi,
  'postman.json': postman,
} as const;
type Name = keyof typeof schemas;

const fileOf = (name: Name): URL => new URL(`../docs/${name}`, import.meta.url);

/** A file as it should be. */
export const schemaText = (name: Name): string => `${JSON.stringify(schemas[name](), null, 2)}\n`;

/** A file as it is. */
export const written = (name: Name): string => readFileSync(fileOf(name), 'utf8');

if (import.meta.main) {
  for (const name of Object.keys(schemas) as Name[]) writeFileSync(fileOf(name), schemaText(name));
}
