import { createServer } from 'node:http';
import { request } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { createTokenClient, fakeSource } from '../../lib/client/index.ts';
import { listening } from '../kit/loopback.ts';
import { axiosFor } from './recipes/axios.ts';
import { agentFor } from './recipes/undici.ts';

const ACME = 'officernd/acme';

/** A provider that refuses the first token and redirects `/v2/file` to another origin, which answers with its headers. */
const start = async () => {
  const foreign = createServer(({ headers }, response) => void response.end(JSON.stringify(headers)));
  const file = `http://127.0.0.1:${await listening(foreign)}/`;
  const provider = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method, url, headers } = incoming;
    if (headers.authorization === 'Bearer fake-token-1') response.writeHead(401).end();
    else if (url === '/v2/file') response.writeHead(302, { location: file }).end();
    else response.end(JSON.stringify({ method, url, body: Buffer.concat(chunks).toString('utf8') }));
  });
  const baseUrl = `http://127.0.0.1:${await listening(provider)}/v2`;
  return { baseUrl, tokens: createTokenClient({ source: fakeSource({ [ACME]: { baseUrl } }) }) };
};
const echoed = { method: 'POST', url: '/v2/things', body: '{"a":1}' };

test('axios sends the token, repeats a refused request and takes the token to no other origin', async () => {
  const { tokens } = await start();
  const http = axiosFor(tokens, ACME);
  expect((await http.post('/things', { a: 1 })).data).toEqual(echoed);
  const { data } = await http.get('/file');
  expect(data).toMatchObject({ host: expect.any(String) });
  expect(JSON.stringify(data)).not.toContain('fake-token');
});

test('undici sends the token, repeats a refused request and takes the token to no other origin', async () => {
  const { baseUrl, tokens } = await start();
  const dispatcher = agentFor(tokens, ACME);
  onTestFinished(() => dispatcher.destroy());
  const { body } = await request(`${baseUrl}/things`, { dispatcher, method: 'POST', body: '{"a":1}' });
  expect(await body.json()).toEqual(echoed);
  const { body: file } = await request(`${baseUrl}/file`, { dispatcher });
  const headers = await file.json();
  expect(headers).toMatchObject({ host: expect.any(String) });
  expect(JSON.stringify(headers)).not.toContain('fake-token');
});
