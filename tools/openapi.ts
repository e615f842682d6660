import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { connectionStatus, listAnswer, type ProblemCode, problemDocument, tokenAnswer } from '../lib/api/answers.ts';
import { limit, minTtl, refusedToken } from '../lib/api/parameters.ts';
import { titles } from '../lib/api/problem.ts';
import { NAME, PROVIDER } from '../lib/core/types.ts';

/** The OpenAPI 3.1 document of the HTTP API, made from the schemas that check requests and type answers. */

/** The format says enough; zod's pattern for a date has a line of its own for leap years. */
const override = ({ jsonSchema: each }: { readonly jsonSchema: z.core.JSONSchema.BaseSchema }): void => {
  if (each.format !== undefined) delete each.pattern;
};

const jsonSchema = (schema: z.ZodType) => {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', override });
  return rest;
};

/** Schemas with an id go to `components`. */
const components = (): Readonly<Record<string, unknown>> => {
  const registry = z.registry<{ id: string }>();
  for (const schema of [tokenAnswer, listAnswer, listAnswer.shape.connections.element, problemDocument]) {
    registry.add(schema, { id: schema.meta()?.id ?? '' });
  }
  const { schemas } = z.toJSONSchema(registry, {
    ...{ io: 'input', override },
    uri: id => `#/components/schemas/${id}`,
  });
  return Object.fromEntries(Object.entries(schemas).map(([id, { $schema, $id, id: _, ...schema }]) => [id, schema]));
};

const content = (type: string, name: string) => ({
  content: { [type]: { schema: { $ref: `#/components/schemas/${name}` } } },
});

/** API Gateway refuses some requests itself, and so does a laptop: without a code. */
const byLaptop = content('application/problem+json', 'Refused').content;
const refused = {
  401: { description: 'A laptop: the key is missing or wrong.', content: byLaptop },
  403: {
    description: 'API Gateway: no signature, or IAM does not allow it. A laptop: a page in a browser.',
    content: { ...content('application/json', 'Gateway').content, ...byLaptop },
  },
};
const tooLarge = { 413: { description: 'A laptop: the body is too large.', content: byLaptop } };

/** The answers with these codes; a status may have several. */
const problems = (...codes: readonly ProblemCode[]) => {
  const byStatus = Map.groupBy(codes, code => titles[code][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, some]) => [
      status,
      {
        description: some.map(code => `\`${code}\`: ${titles[code][1]}.`).join(' '),
        ...content('application/problem+json', 'Problem'),
      },
    ]),
  );
};

const inPath = (name: string, description: string, pattern: RegExp) => ({
  ...{ name, in: 'path', required: true, description },
  schema: { type: 'string', pattern: pattern.source },
});
const inQuery = (name: string, schema: z.ZodType, description?: string) => {
  const { description: own, ...rest } = jsonSchema(schema);
  return { ...{ name, in: 'query', required: false, description: description ?? own }, schema: rest };
};

const tokenPath = (suffix: string, more: readonly ReturnType<typeof inPath>[]) => ({
  parameters: [
    inPath('provider', 'The id of the provider.', PROVIDER),
    inPath('name', 'The name of the secret.', NAME),
    ...more,
  ],
  get: {
    operationId: `getToken${suffix}`,
    summary: 'A valid token',
    parameters: [inQuery('minTtl', minTtl)],
    responses: {
      ...refused,
      200: { description: 'A valid token.', ...content('application/json', 'Token') },
      ...problems('malformed_request', 'not_found', 'unknown_connection', 'internal_error'),
      ...problems('refresh_in_progress', 'no_valid_token'),
    },
  },
  post: {
    operationId: `renewToken${suffix}`,
    summary: 'A newer token than the one that the provider refused',
    requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(refusedToken) } } },
    responses: {
      ...refused,
      ...tooLarge,
      200: { description: 'Another token.', ...content('application/json', 'Token') },
      ...problems('malformed_request', 'not_found', 'unknown_connection', 'too_many_refreshes', 'internal_error'),
      ...problems('refresh_in_progress', 'no_valid_token', 'refresh_failed'),
    },
  },
});

/** The document. */
export const openApi = () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return {
    openapi: '3.1.0',
    info: {
      ...{ title: 'token-refresher', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
      summary: 'Access tokens that are always fresh.',
      description: 'See docs/api.md.',
    },
    servers: [
      {
        url: 'https://{apiId}.execute-api.{region}.amazonaws.com',
        description: 'A deployment.',
        variables: { apiId: { default: 'abcdefghij' }, region: { default: 'eu-west-1' } },
      },
      {
        url: 'http://127.0.0.1:{port}',
        description: 'A laptop: npm start.',
        variables: { port: { default: '8787' } },
      },
    ],
    security: [{ sigv4: [] }, { key: [] }],
    paths: {
      '/tokens/{provider}/{name}': tokenPath('', []),
      '/tokens/{provider}/{name}/{key}': tokenPath('OfMany', [
        inPath('key', 'The key in a secret with several.', NAME),
      ]),
      '/connections': {
        get: {
          operationId: 'listConnections',
          summary: 'The connections and their health',
          parameters: [
            inQuery('limit', limit),
            inQuery('cursor', z.string(), 'The cursor of an earlier answer.'),
            {
              ...{ name: 'status', in: 'query', required: false, style: 'form', explode: false },
              ...{ description: 'Only those with one of these statuses.' },
              schema: { type: 'array', items: jsonSchema(connectionStatus) },
            },
            inQuery('provider', z.string(), 'Only those of this provider.'),
          ],
          responses: {
            ...refused,
            200: { description: 'A page.', ...content('application/json', 'Connections') },
            ...problems('malformed_request', 'internal_error'),
          },
        },
      },
    },
    components: {
      schemas: {
        ...components(),
        Gateway: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
        Refused: jsonSchema(problemDocument.omit({ code: true, connection: true, reason: true, since: true })),
      },
      securitySchemes: {
        sigv4: {
          ...{ type: 'apiKey', name: 'Authorization', in: 'header', 'x-amazon-apigateway-authtype': 'awsSigv4' },
          description: 'AWS Signature Version 4, service execute-api.',
        },
        key: { type: 'http', scheme: 'bearer', description: 'The key of a laptop.' },
      },
    },
  };
};
