import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { closedPort } from '../kit/loopback.ts';

const client = join(import.meta.dirname, '../../lib/client/index.ts');

/** The packages that a process loads which reads a token. */
const packagesOf = (source: string, env: Readonly<Record<string, string>> = {}): readonly string[] => {
  const script = `
    import { registerHooks } from 'node:module';
    const packages = new Set();
    registerHooks({
      resolve: (specifier, context, next) => {
        if (/^[@a-z]/.test(specifier) && !specifier.includes(':') && !context.parentURL?.includes('node_modules')) packages.add(specifier);
        return next(specifier, context);
      },
    });
    const { createTokenClient, tableSource, apiSource } = await import(${JSON.stringify(client)});
    const { code } = await createTokenClient({ source: ${source} }).get('officernd/acme').catch(error => error);
    console.log(JSON.stringify([code, ...packages]));
  `;
  const keys = { AWS_ACCESS_KEY_ID: 'invented', AWS_SECRET_ACCESS_KEY: 'invented', AWS_REGION: 'eu-north-1' };
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, AWS_MAX_ATTEMPTS: '1', ...keys, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(output);
};

it('the API source loads the signer and nothing of the SDK', async () => {
  const url = `http://127.0.0.1:${await closedPort()}`;
  expect(packagesOf(`apiSource({ url: '${url}' })`)).toEqual(['source_unreachable', 'aws4fetch']);
});

it('the table source loads DynamoDB, and no chain of credentials of its own', async () => {
  const AWS_ENDPOINT_URL_DYNAMODB = `http://127.0.0.1:${await closedPort()}`;
  const packages = packagesOf("tableSource({ tableName: 'Tokens' })", { AWS_ENDPOINT_URL_DYNAMODB });
  expect(packages).toEqual(['source_unreachable', 'aws4fetch', '@aws-sdk/client-dynamodb']);
});
