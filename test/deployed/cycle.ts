import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { simulatedSecrets } from '../../local/simulators/accounts.ts';
import { forcePath, readPath } from '../iam/paths.ts';
import { type DeployedCalls, OPERATOR } from './calls.ts';
import { recordMessages } from './messages.ts';
import type { AccountOperator } from './operator.ts';
import type { RunningProxy } from './proxy.ts';
import { endGrace, endLeases, endRaces, remove } from './races.ts';
import { readByTable } from './readers.ts';
import { changeState, giveUp } from './troubles.ts';

/** The secrets, each with its connections. */
const SECRETS: Readonly<Record<string, readonly string[]>> = {
  'poweroffice-v1/old-mill': ['poweroffice-v1/old-mill'],
  'poweroffice-v2/nordic-books': ['bergen', 'oslo', 'tromso'].map(key => `poweroffice-v2/nordic-books/${key}`),
  'officernd/loft': ['officernd/loft'],
  'officernd/harbour-desks': ['officernd/harbour-desks'],
  'powerepos/corner-cafe': ['powerepos/corner-cafe'],
  'petrosoft/station-7': ['petrosoft/station-7'],
  'ioffice/campus': ['ioffice/campus'],
  'ioffice/tower': ['ioffice/tower'],
};
/** Encrypted with a customer-managed key. */
const KEYED = ['officernd/loft', 'ioffice/campus'];
const PACKED = 'poweroffice-v2/nordic-books';
const OSLO = 'poweroffice-v2/nordic-books/oslo';
const GRANTED = 'officernd/loft';

const connections = Object.values(SECRETS).flat().toSorted();
const ofProvider = (provider: string) => connections.filter(each => each.startsWith(`${provider}/`));

export interface CycleStage {
  readonly calls: DeployedCalls;
  readonly operator: AccountOperator;
  readonly proxy: RunningProxy;
  /** The address of the simulated providers. */
  readonly simulators: string;
  readonly say: (line: string) => void;
  /** Whether to write the mails into docs/runbook.md. */
  readonly records: boolean;
}

/** Runs the deployed bundles from a secret to a consumer's token, and prints what each step proved. */
export const runCycle = async (stage: CycleStage): Promise<void> => {
  const { calls, say } = stage;
  await createSecrets(stage);
  say(`secrets created: ${Object.keys(SECRETS).join(', ')}`);

  const found = await calls.tick('watch');
  assert.deepEqual(Reflect.get(Object(found.result), 'added').toSorted(), connections);
  say(`the watch found ${connections.length} connections`);

  await refreshAll(stage);
  say('refresh obtained a token for each, on the events of the schedules; a second tick had nothing to do');

  const token = await readByApi(stage);
  say('api served a token to a reader of one connection and to one of all, and the provider took it');

  await readByTable(stage, token);
  const consumed = await calls.run(calls.deployed.consumer, { path: 'Clients' });
  const { status, answer } = consumed.result as { readonly status: number; readonly answer: unknown };
  assert.deepEqual([status, answer], [200, { ok: true, account: OSLO, path: '/v2/Clients' }]);
  say('readers of one connection and of one provider read tokens from the table, and so did the example consumer');

  await forceAll(stage);
  say('a forced refresh went through api to each refresh and brought another token; a second one at once was refused');

  await otherAnswers(stage);
  say('what is not there or not allowed is a problem document; no refresher acts for another provider');

  const mails = await changeState(stage);
  if (stage.records) recordMessages(mails);
  say(
    'a wrong secret needed attention, a corrected one recovered, one expires soon: the event bus and mails reported it',
  );

  await endRaces(stage, [OSLO, 'powerepos/corner-cafe']);
  say(
    'a token that came too late was not published; one of a connection that had ended was withdrawn, one in grace was kept',
  );

  await giveUp(stage);
  say('an event that fails, and one that Lambda does not take, became dead letters; an alarm reached its topic');

  await retire(stage);
  say(
    'deleted secrets retired their connections, took their tokens away after the grace period, and in the end the records',
  );

  silent(stage, token.accessToken);
  say('no log holds a token or a credential');
};

const createSecrets = async ({ calls, operator, simulators }: CycleStage): Promise<void> => {
  const contents = simulatedSecrets(simulators);
  for (const name of Object.keys(SECRETS)) {
    await operator.create(name, contents[name] ?? {}, KEYED.includes(name) ? calls.judge.secretsKey : undefined);
  }
};

const refreshAll = async ({ calls }: CycleStage): Promise<void> => {
  for (const provider of calls.deployed.refreshers.keys()) {
    const ran = await calls.tick(`refresh-${provider}`);
    const { results, connections: count } = ran.result as { results: Record<string, number>; connections: number };
    const expected = ofProvider(provider).length;
    assert.deepEqual([provider, results.refreshed, count], [provider, expected, expected]);
    const measured = ran.log.find(line => line.Calls !== undefined);
    assert.equal(measured?.service, 'token-refresher', 'a tick publishes its metrics');
    const again = await calls.tick(`refresh-${provider}`);
    assert.equal(Reflect.get(Object(again.result), 'due'), 0);
  }
};

export interface ReadToken {
  readonly accessToken: string;
  readonly expiresAt: string;
}

const readByApi = async ({ calls, simulators }: CycleStage): Promise<ReadToken> => {
  const { statusCode, json } = await calls.api('Readers/OneRoute', 'GET', readPath(GRANTED), {
    query: { minTtl: '60' },
  });
  const { connection, accessToken, expiresAt, expiresIn } = json;
  assert.deepEqual([statusCode, connection], [200, GRANTED]);
  assert.ok(Number(expiresIn) > 60);
  const other = await calls.api('Readers/AllRoutes', 'GET', readPath(OSLO));
  const { headers, baseUrl } = other.json;
  assert.equal(baseUrl, `${simulators}/poweroffice-v2/v2`);
  const response = await fetch(`${baseUrl}/Clients`, { headers: headers as Record<string, string> });
  assert.deepEqual(await response.json(), { ok: true, account: OSLO, path: '/v2/Clients' });
  // IAM sees a path below the tokens, and the function must not serve the list that it leads to.
  const above = await calls.api('Readers/AllRoutes', 'GET', '/tokens/../connections');
  assert.ok([400, 404].includes(above.statusCode));
  return { accessToken: String(accessToken), expiresAt: String(expiresAt) };
};

const forceAll = async ({ calls }: CycleStage): Promise<void> => {
  // Providers distinguish tokens of one moment only by their serial: the clock need not move.
  await sleep(10);
  // OfficeRnD allows one forced call a minute: the connection below uses it.
  const others = [...calls.deployed.refreshers.keys()].filter(provider => !GRANTED.startsWith(provider));
  for (const provider of others) {
    const [connection = ''] = ofProvider(provider);
    const before = await calls.api('Readers/AllRoutes', 'GET', readPath(connection));
    const forced = await calls.api('Readers/AllRoutes', 'POST', forcePath(connection), refusing(before));
    assert.equal(forced.statusCode, 200, JSON.stringify(forced.json.code));
    assert.notEqual(forced.json.accessToken, before.json.accessToken);
  }
  const before = await calls.api('Readers/OneRoute', 'GET', readPath(GRANTED));
  const first = await calls.api('Readers/OneRoute', 'POST', forcePath(GRANTED), refusing(before));
  const second = await calls.api('Readers/OneRoute', 'POST', forcePath(GRANTED), refusing(before));
  assert.deepEqual([second.statusCode, second.json.accessToken], [200, first.json.accessToken]);
  const again = await calls.api('Readers/OneRoute', 'POST', forcePath(GRANTED), refusing(first));
  assert.deepEqual([first.statusCode, again.statusCode, again.json.code], [200, 429, 'too_many_refreshes']);
  assert.ok(Number(again.headers['retry-after']) > 0);
};

/** A consumer reports the token of an answer as refused. */
export const refusing = ({ json }: { readonly json: Readonly<Record<string, unknown>> }) => ({
  body: JSON.stringify({ issuedAt: json.issuedAt }),
});

const otherAnswers = async ({ calls }: CycleStage): Promise<void> => {
  const { json } = await calls.api('Readers/ListRoute', 'GET', '/connections');
  const states = (json.connections as { connection: string; status: string }[]).map(each => [
    each.connection,
    each.status,
  ]);
  assert.deepEqual(
    states.toSorted(),
    connections.map(connection => [connection, 'healthy']),
  );
  const nowhere = await calls.api(OPERATOR, 'GET', '/nowhere');
  assert.deepEqual([nowhere.statusCode, nowhere.json.code], [404, 'not_found']);
  const deleting = await calls.api(OPERATOR, 'DELETE', readPath(OSLO));
  assert.deepEqual([deleting.statusCode, deleting.json.code], [405, 'method_not_allowed']);
  const foreign = await calls.run(calls.refresher('ioffice'), {
    request: { kind: 'ifNeeded', connection: OSLO, minTtl: 0, waits: false },
  });
  assert.deepEqual(foreign.result, { result: 'unknown' });
};

const retire = async (stage: CycleStage): Promise<void> => {
  const { calls, operator } = stage;
  for (const name of Object.keys(SECRETS)) await operator.delete(name);
  const { result } = await calls.tick('watch');
  assert.deepEqual(Reflect.get(Object(result), 'retired').toSorted(), connections);
  for (const provider of calls.deployed.refreshers.keys()) await calls.tick(`refresh-${provider}`);
  const kept = await calls.api('Readers/OneRoute', 'GET', readPath(GRANTED));
  assert.equal(kept.statusCode, 200, 'a token stays for the grace period');
  await endLeases(stage, connections);
  await endGrace(stage, connections);
  for (const provider of calls.deployed.refreshers.keys()) await calls.tick(`refresh-${provider}`);
  const { statusCode, json } = await calls.api('Readers/OneRoute', 'GET', readPath(GRANTED));
  assert.deepEqual([statusCode, json.code], [404, 'unknown_connection']);
  await remove(stage, connections);
};

const silent = ({ calls, simulators }: CycleStage, accessToken: string): void => {
  const credentials = Object.values(simulatedSecrets(simulators)[PACKED] ?? {}).filter(
    value => typeof value === 'string' && !value.startsWith('http'),
  );
  const log = JSON.stringify(calls.logs);
  assert.ok(calls.logs.length > 10);
  for (const secret of [accessToken, ...credentials]) assert.ok(!log.includes(String(secret)));
};
