import { readdirSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, it } from 'vitest';
import { errorCodes } from '../../lib/core/errors.ts';
import { openApi } from '../../tools/openapi.ts';
import { schemas, schemaText, written } from '../../tools/schemas.ts';
import { textOf } from '../kit/repository.ts';

it.each(Object.keys(schemas) as (keyof typeof schemas)[])('docs/%s is that of the code: `npm run schema`', name => {
  expect(written(name)).toBe(schemaText(name));
});

it('docs/openapi.json is valid OpenAPI 3.1, with every route and every error code', async () => {
  const validator = new Validator();
  expect(await validator.validate(JSON.parse(written('openapi.json')))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  const { paths, components } = openApi();
  const routes = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).flatMap(method => (method === 'parameters' ? [] : [`${method.toUpperCase()} ${path}`])),
  );
  const atGateway = [...textOf('infra/api.ts').matchAll(/HttpRouteKey\.with\('(.+)', HttpMethod\.(\w+)\)/g)];
  expect(routes.toSorted(), 'tools/openapi.ts needs each route of infra/api.ts').toEqual(
    atGateway.map(([, path, method]) => `${method} ${path}`).toSorted(),
  );
  expect(JSON.stringify(components.schemas)).toContain(JSON.stringify(errorCodes).slice(1, -1));
});

it('docs/postman.json has each route for a deployment and for a laptop', () => {
  const { item } = JSON.parse(written('postman.json'));
  for (const { item: requests } of item) {
    const sent = requests.map(({ request }: { request: { method: string; url: { raw: string } } }) => [
      request.method,
      request.url.raw,
    ]);
    expect(sent).toEqual([
      ['GET', '{{url}}/tokens/:provider/:name'],
      ['POST', '{{url}}/tokens/:provider/:name'],
      ['GET', '{{url}}/tokens/:provider/:name/:key'],
      ['POST', '{{url}}/tokens/:provider/:name/:key'],
      ['GET', '{{url}}/connections'],
    ]);
  }
});

it('the schema describes each part of a definition and lists the error codes', () => {
  const { properties, $defs } = JSON.parse(written('provider.schema.json'));
  const silent = Object.keys(properties).filter(name => !properties[name].description && !properties[name].$ref);
  expect(silent).toEqual([]);
  expect(properties.errors.items.properties.code.enum).toContain('invalid_grant');
  expect(Object.keys($defs).toSorted()).toEqual(['address', 'json', 'request']);
});

it('each definition of the catalogue names the schema', () => {
  for (const file of readdirSync('catalogue')) {
    expect([file, JSON.parse(textOf(`catalogue/${file}`)).$schema]).toEqual([file, '../docs/provider.schema.json']);
  }
});
