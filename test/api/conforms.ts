import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect } from 'vitest';
import type { HttpAnswer } from '../../lib/api/problem.ts';
import { openApi } from '../../tools/openapi.ts';

/** Checks answers against docs/openapi.json. */

const document = openApi();
const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
ajv.addSchema(document, 'openapi');

interface Content {
  readonly schema: { readonly $ref: string };
}
interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>;
}
const operationsAt = (path: string): Readonly<Record<string, Operation>> => {
  const template = path.replace(/^\/tokens\/[^/]+\/[^/]+(\/[^/]+)?$/, (_, key) =>
    key ? '/tokens/{provider}/{name}/{key}' : '/tokens/{provider}/{name}',
  );
  return (document.paths as unknown as Record<string, Record<string, Operation>>)[template] ?? {};
};

/** Fails if the document has no such answer of this route. Other paths and methods are not in it. */
export const expectConforming = (method: string, path: string, { status, headers, body }: HttpAnswer): void => {
  const operation = operationsAt(path)[method.toLowerCase()];
  if (!operation) {
    expect([404, 405]).toContain(status);
    return;
  }
  const type = headers['content-type'] ?? '';
  const schema = operation.responses[status]?.content?.[type]?.schema;
  if (!schema) throw new Error(`docs/openapi.json has no answer ${status} of ${method} ${path} as ${type}`);
  const valid = ajv.validate(`openapi${schema.$ref}`, JSON.parse(body));
  expect(valid ? [] : ajv.errors).toEqual([]);
};
