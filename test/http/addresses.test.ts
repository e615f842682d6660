import type { lookup } from 'node:dns';
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { isPublic, publicLookup } from '../../lib/http/addresses.ts';
import { createSend } from '../../lib/http/send.ts';
import { listening } from '../kit/loopback.ts';

/** A resolver with the same answer for every name. */
const resolving = (...addresses: readonly string[]) =>
  ((_: string, __: unknown, done: (error: null, all: object[]) => void) =>
    done(
      null,
      addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
    )) as unknown as typeof lookup;

const get = (url: string) => ({ method: 'GET', url, headers: {} }) as const;
const refused = { kind: 'failed', code: 'address_refused', sent: false };

describe('a public address', () => {
  it.each(['1.1.1.1', '52.95.110.1', '2606:4700::1111', '2a01:111::1'])('%s is one', address =>
    expect(isPublic(address)).toBe(true),
  );

  it.each([
    ...['127.0.0.1', '127.255.0.9', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254'],
    ...['100.64.0.1', '0.0.0.0', '224.0.0.1', '255.255.255.255', '198.18.0.1', '192.0.2.1'],
    ...['::', '::1', 'fe80::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8'],
    ...['64:ff9b::a9fe:a9fe', '2002:7f00:1::', '2001::1', '2001:db8::1', 'name.example', ''],
  ])('%s is none', address => expect(isPublic(address)).toBe(false));
});

describe('a request of a deployed function', () => {
  it.each([
    'https://127.0.0.1/token',
    'https://169.254.169.254/latest/meta-data',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://2130706433/',
    'https://0177.0.0.1/',
    'https://0x7f.1/',
    'http://login.example/token',
    'http://127.0.0.1:8080/token',
  ])('goes nowhere near %s', async url => {
    expect(await createSend('public')(get(url), 1000)).toEqual(refused);
  });

  it.each([['127.0.0.1'], ['10.1.2.3'], ['169.254.169.254'], ['::1'], ['1.1.1.1', '127.0.0.1']])(
    'is refused when its host turns out to be at %s',
    async (...addresses) => {
      let connections = 0;
      const server = createServer();
      server.on('connection', () => {
        connections += 1;
      });
      const port = await listening(server);
      const send = createSend('public', publicLookup(resolving(...addresses)));
      expect(await send(get(`https://login.example:${port}/token`), 1000)).toEqual(refused);
      expect(connections).toBe(0);
    },
  );

  it('is an ordinary failure if its host has no address', async () => {
    const unknown = ((_: string, __: unknown, done: (error: Error) => void) =>
      done(Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }))) as unknown as typeof lookup;
    const send = createSend('public', publicLookup(unknown));
    expect(await send(get('https://nowhere.example/'), 1000)).toMatchObject({ code: 'network', sent: false });
  });
});

it('a laptop reaches its simulators', async () => {
  const port = await listening(createServer((_, response) => void response.end('{}')));
  expect(await createSend('any')(get(`http://127.0.0.1:${port}/`), 1000)).toMatchObject({
    kind: 'answer',
    status: 200,
  });
});
