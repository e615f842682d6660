import { request } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { clientAt, refusesTheFirstToken, startBusinessSystem } from './business-system.ts';
import { ACME } from './made.ts';
import { axiosFor } from './recipes/axios.ts';
import { agentFor } from './recipes/undici.ts';

/** A business system that refuses the first token and redirects `/v2/file` to another origin. */
const start = async () => {
  const foreign = await startBusinessSystem();
  const { url, received } = await startBusinessSystem(got =>
    got.path === '/v2/file' ? [302, { location: foreign.url }] : refusesTheFirstToken(got),
  );
  return { baseUrl: `${url}/v2`, received, foreign, ...clientAt(`${url}/v2`) };
};
const posted = { method: 'POST', path: '/v2/things', body: '{"a":1}' };

test('axios sends the token, repeats a refused request and takes the token to no other origin', async () => {
  const { tokens, received, foreign } = await start();
  const http = axiosFor(tokens, ACME);
  expect((await http.post('/things', { a: 1 })).data).toBe('answer 200');
  expect(received).toMatchObject([posted, posted]);
  expect((await http.get('/file')).data).toBe('answer 200');
  expect(foreign.received).toHaveLength(1);
  expect(JSON.stringify(foreign.received)).not.toMatch(/fake-token|invented-key/);
});

test('undici sends the token, repeats a refused request and takes the token to no other origin', async () => {
  const { tokens, baseUrl, received, foreign } = await start();
  const dispatcher = agentFor(tokens, ACME);
  onTestFinished(() => dispatcher.destroy());
  const { body } = await request(`${baseUrl}/things`, { dispatcher, method: 'POST', body: '{"a":1}' });
  expect(await body.text()).toBe('answer 200');
  expect(received).toMatchObject([posted, posted]);
  const { body: file } = await request(`${baseUrl}/file`, { dispatcher });
  expect(await file.text()).toBe('answer 200');
  expect(foreign.received).toHaveLength(1);
  expect(JSON.stringify(foreign.received)).not.toMatch(/fake-token|invented-key/);
});
