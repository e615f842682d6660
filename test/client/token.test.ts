import { expect, it } from 'vitest';
import { type CurrentToken, tokenIn } from '../../lib/client/token.ts';
import { ACME, CLIENT_START, made } from './made.ts';

it('a token has all fields, and no others', () => {
  expect(tokenIn(ACME, { ...made(0), version: 1 })).toEqual(made(0));
});

it.each<[string, Partial<Record<keyof CurrentToken, unknown>>]>([
  ['of another connection', { connection: 'poweroffice-v2/other' }],
  ['without text', { accessToken: '' }],
  ['with a line end in its text', { accessToken: 'a\nb' }],
  ['without a type', { tokenType: undefined }],
  ['that expires when it is issued', { issuedAt: CLIENT_START, expiresAt: CLIENT_START }],
  ['whose expiry is not a number', { expiresAt: Number.NaN }],
  ['with a line end in a header', { headers: { Authorization: 'Bearer a\r\nb' } }],
  ['without a base URL', { baseUrl: '' }],
  ['whose base URL is a path', { baseUrl: '/v2' }],
  ['whose base URL has no host', { baseUrl: 'https://' }],
  ['whose base URL has a password', { baseUrl: 'https://user:planted@127.0.0.1/v2' }],
  ['whose base URL is not of the web', { baseUrl: 'file:///v2' }],
])('a token %s is refused', (_, change) => {
  expect(tokenIn(ACME, { ...made(0), ...change })).toBeUndefined();
});
