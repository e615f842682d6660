import { afterEach, expect, it } from 'vitest';
import { interpret } from '../../lib/core/interpret.ts';
import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import { epochMs } from '../../lib/core/types.ts';
import { findProvider } from '../../lib/providers/index.ts';
import { simulatedAccount } from '../../local/simulators/accounts.ts';
import { type RunningSimulators, startSimulators } from '../../local/simulators/server.ts';

const now = epochMs(Date.UTC(2026, 0, 1));
const running: RunningSimulators[] = [];
const start = async (port = 0) => {
  const simulators = await startSimulators({ now: () => now, scale: 1, random: () => 0.5, port });
  running.push(simulators);
  return simulators;
};
afterEach(async () => {
  await Promise.all(running.splice(0).map(simulators => simulators.close()));
});

const send = async ({ url, method, headers, body }: HttpRequest): Promise<HttpReply> => {
  const response = await fetch(url, { method, headers, redirect: 'manual', ...(body !== undefined && { body }) });
  return {
    kind: 'answer',
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  };
};
const logIn = async (url: string) => {
  const provider = findProvider('petrosoft');
  const opened = provider?.open({ ...simulatedAccount('petrosoft', 'station-7').fields, baseUrl: `${url}/petrosoft` });
  if (!provider || !opened?.ok) throw new Error('no account');
  const { account } = opened;
  const outcome = interpret({ provider, account, grant: 'login', sentAt: now }, await send(account.logIn()));
  if (outcome.kind !== 'granted') throw new Error(outcome.code);
  return outcome;
};
const use = ({ headers }: { headers: Readonly<Record<string, string>> }, url: string) =>
  send({ method: 'GET', url: `${url}/petrosoft/things?page=1`, headers });

it('serves every simulator on a free port of loopback', async () => {
  const { url } = await start();
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const token = await logIn(url);
  expect(token.baseUrl).toBe(`${url}/petrosoft`);
  expect(await use(token, url)).toMatchObject({ status: 200 });
  expect(await use({ headers: {} }, url)).toMatchObject({ status: 401 });
});

it('answers requests for unknown providers and paths', async () => {
  const { url } = await start();
  for (const path of ['', '/', '/nobody', '/nobody/x', '//x', '/constructor']) {
    expect(await send({ method: 'GET', url: `${url}${path}`, headers: {} })).toMatchObject({ status: 404 });
  }
  expect(await send({ method: 'GET', url: `${url}/officernd`, headers: {} })).toMatchObject({ status: 401 });
});

it('continues after a restart from the state before it', async () => {
  const first = await start();
  const token = await logIn(first.url);
  const state = JSON.parse(JSON.stringify(first.state.get()));
  const second = await start();
  expect(await use(token, second.url)).toMatchObject({ status: 401 });
  second.state.restore(state);
  expect(await use(token, second.url)).toMatchObject({ status: 200 });
});

it('uses the given port, or a free one if that is taken', async () => {
  const { url } = await start();
  const second = await start(Number(new URL(url).port));
  expect(second.url).not.toBe(url);
  await second.close();
  running.pop();
  const third = await start(Number(new URL(second.url).port));
  expect(third.url).toBe(second.url);
});
