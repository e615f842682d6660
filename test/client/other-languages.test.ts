import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { sectionOf } from '../kit/pages.ts';
import { textOf } from '../kit/repository.ts';
import { startGateway } from './gateway.ts';
import { CONNECTION, credentials, startProduct, TABLE } from './product.ts';

/** What docs/consuming.md says for languages without a client. */

const section = (heading: string) => sectionOf(textOf('docs/consuming.md'), heading);

it('the table of attributes is that of an item', async () => {
  const { dynamodb } = await startProduct();
  const key = { connection: { S: CONNECTION } };
  const { Item = {} } = await dynamodb.send(new GetItemCommand({ TableName: TABLE, Key: key }));
  const rows = [...section('Any language: the table').matchAll(/^\| (`.*`) \| ([A-Z])[^|]*\|/gm)];
  const documented = rows.flatMap(([, names = '', type = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => [name, type] as const),
  );
  const types = Object.entries(Item).map(([name, value]) => [name, Object.keys(value).join()] as const);
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(types));
  expect(Item.format).toEqual({ N: '1' });
  expect(Object.values(Item.headers?.M ?? {}).every(value => 'S' in value)).toBe(true);
});

it('the curl command is signed as the SDK signs', async () => {
  const product = await startProduct();
  const gateway = await startGateway({ api: product.api, region: 'eu-north-1', allows: () => true });
  const [, command = ''] = /```sh\n([\s\S]*?)```/.exec(section('Any language: the API')) ?? [];
  const env = {
    ...{ PATH: process.env.PATH ?? '', AWS_REGION: 'eu-north-1', TOKENS_API_URL: gateway.url },
    ...{ AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
    AWS_SESSION_TOKEN: credentials.sessionToken,
  };
  const { stdout } = await promisify(execFile)('bash', ['-c', `${command.trim()} --silent`], { env });
  expect(JSON.parse(stdout)).toMatchObject({ connection: CONNECTION });
  expect(gateway.routes).toEqual([`GET /tokens/${CONNECTION}`]);
});
