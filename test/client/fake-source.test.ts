import { expect, it } from 'vitest';
import { fakeSourceIn } from '../../lib/client/fake-source.ts';
import { createTokenClient, fakeSource } from '../../lib/client/index.ts';
import { CLIENT_START, madeEnvironment } from './made.ts';

const options = { minTtl: 60, patience: 'long' } as const;

it('gives an invented token of an hour, with what the test sets', async () => {
  const source = fakeSourceIn(madeEnvironment().environment, { 'officernd/acme': { baseUrl: 'http://127.0.0.1:9' } });
  expect(await source.get('officernd/acme', options)).toEqual({
    connection: 'officernd/acme',
    accessToken: 'fake-token-1',
    tokenType: 'Bearer',
    issuedAt: CLIENT_START,
    expiresAt: CLIENT_START + 3_600_000,
    headers: { Authorization: 'Bearer fake-token-1' },
    baseUrl: 'http://127.0.0.1:9',
  });
});

it('fails as the test sets, also later', async () => {
  const source = fakeSource({ 'officernd/new': 'not_yet', 'officernd/acme': {} });
  const tokens = createTokenClient({ source });
  await expect(tokens.get('officernd/new')).rejects.toMatchObject({ name: 'TokenError', code: 'not_yet' });
  await expect(tokens.get('officernd/nobody')).rejects.toMatchObject({ code: 'unknown_connection' });
  source.set('officernd/new', { accessToken: 'mine' });
  expect(await tokens.get('officernd/new')).toMatchObject({ headers: { Authorization: 'Bearer mine' } });
  source.set('officernd/acme', 'forbidden');
  await expect(tokens.get('officernd/acme')).rejects.toMatchObject({ code: 'forbidden' });
});

it('renews a refused token, and keeps what was refused', async () => {
  const source = fakeSource({ 'officernd/acme': {} });
  const tokens = createTokenClient({ source });
  const first = await tokens.get('officernd/acme');
  expect(await tokens.renew(first)).toMatchObject({ accessToken: 'fake-token-2', baseUrl: first.baseUrl });
  expect(await tokens.get('officernd/acme')).toMatchObject({ accessToken: 'fake-token-2' });
  expect(source.refused).toEqual([first]);
});

it('renews a refused token with the type and the headers that the test has set', async () => {
  const headers = { Authorization: 'Token mine', 'X-Session': 'id=1; token=mine', 'X-Tenant': 'acme' };
  const life = { issuedAt: CLIENT_START, expiresAt: CLIENT_START + 600_000 };
  const given = { accessToken: 'mine', tokenType: 'Token', headers, ...life, baseUrl: 'http://127.0.0.1:9' };
  const source = fakeSourceIn(madeEnvironment().environment, { 'officernd/acme': given });
  expect(await source.renew(await source.get('officernd/acme', options))).toEqual({
    ...{ connection: 'officernd/acme', accessToken: 'fake-token-2', tokenType: 'Token' },
    headers: { Authorization: 'Token fake-token-2', 'X-Session': 'id=1; token=fake-token-2', 'X-Tenant': 'acme' },
    ...{ issuedAt: CLIENT_START + 1, expiresAt: CLIENT_START + 600_001, baseUrl: 'http://127.0.0.1:9' },
  });
});

it('gives a token that has expired already', async () => {
  const expiresAt = CLIENT_START - 1000;
  const source = fakeSourceIn(madeEnvironment().environment, { 'officernd/acme': { expiresAt } });
  expect(await source.get('officernd/acme', options)).toMatchObject({ issuedAt: expiresAt - 1, expiresAt });
});

it.each([{ Authorization: 'Bearer a\nb' }, { 'not a name': 'x' }, { Key: 'č' }])(
  'refuses headers that cannot be sent: %j',
  headers => {
    expect(() => fakeSource({ 'officernd/acme': { headers } })).toThrow('must have the fields of a token');
  },
);
