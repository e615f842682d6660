import * as z from 'zod';
import { definitionSchema } from '../lib/definition/schema.ts';

/** JSON Schema of a definition, for editors. */
export const providerSchema = () => {
  const { $schema, ...schema } = z.toJSONSchema(definitionSchema, { io: 'input' });
  return { $schema, title: 'A provider of token-refresher', description: 'See docs/providers.md.', ...schema };
};
