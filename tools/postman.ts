import { openApi } from './openapi.ts';

/** A Postman collection (format 2.1) of the API: one folder for a deployment, with SigV4, one for a laptop, with its key. */

interface Parameter {
  readonly name: string;
  readonly description?: string | undefined;
  readonly schema: object;
}
interface Operation {
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: unknown;
}
interface PathItem {
  readonly parameters?: readonly Parameter[];
  readonly get?: Operation;
  readonly post?: Operation;
}

const requestOf = (path: string, { parameters = [] }: PathItem, method: 'get' | 'post', operation: Operation) => {
  const segments = path
    .slice(1)
    .replace(/\{(\w+)\}/g, ':$1')
    .split('/');
  const variable = parameters.map(({ name, description }) => ({ key: name, value: '', description }));
  const query = (operation.parameters ?? []).map(({ name, description, schema }) => ({
    ...{ key: name, value: 'default' in schema ? String(schema.default) : '', description },
    disabled: true,
  }));
  return {
    name: path.endsWith('{key}') ? `${operation.summary}, of a secret with several connections` : operation.summary,
    request: {
      method: method.toUpperCase(),
      header: [],
      url: { raw: ['{{url}}', ...segments].join('/'), host: ['{{url}}'], path: segments, query, variable },
      ...(operation.requestBody !== undefined && {
        body: {
          mode: 'raw',
          raw: '{"issuedAt": "2026-01-01T12:00:00.000Z"}',
          options: { raw: { language: 'json' } },
        },
      }),
    },
  };
};

const requests = () =>
  Object.entries(openApi().paths).flatMap(([path, item]: [string, PathItem]) =>
    (['get', 'post'] as const).flatMap(method => {
      const operation = item[method];
      return operation ? [requestOf(path, item, method, operation)] : [];
    }),
  );

const auth = (type: string, values: Readonly<Record<string, string>>) => ({
  type,
  [type]: Object.entries(values).map(([key, value]) => ({ key, value, type: 'string' })),
});

/** The collection; its variables are for the person who imports it. */
export const postman = () => ({
  info: {
    name: 'token-refresher',
    description: 'See docs/api.md. Set the variables "url" and "region" and your AWS credentials, or "url" and "key".',
    schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
  },
  item: [
    {
      name: 'Deployment',
      auth: auth('awsv4', {
        ...{ accessKey: '{{accessKeyId}}', secretKey: '{{secretAccessKey}}', sessionToken: '{{sessionToken}}' },
        ...{ region: '{{region}}', service: 'execute-api' },
      }),
      item: requests(),
    },
    { name: 'Laptop', auth: auth('bearer', { token: '{{key}}' }), item: requests() },
  ],
  variable: ['url', 'region', 'accessKeyId', 'secretAccessKey', 'sessionToken', 'key'].map(key => ({ key, value: '' })),
});
