import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { epochMs } from '../../lib/core/types.ts';
import { simulatedSecrets } from '../../local/simulators/accounts.ts';
import { startSimulators } from '../../local/simulators/server.ts';
import { Calls, type Deployed } from './calls.ts';
import { listenTo } from './events.ts';
import { startLambda } from './lambda.ts';

const SECRETS = ['poweroffice-v2/nordic-books', 'ioffice/campus'] as const;
const OSLO = 'poweroffice-v2/oslo';
const ALL = ['ioffice/campus', 'poweroffice-v2/bergen', OSLO, 'poweroffice-v2/tromso'];

/** Runs the deployed bundles from a secret to a token in a consumer's hands, and says what each step proved. */
export const runCycle = async (deployed: Deployed, say: (line: string) => void): Promise<void> => {
  const simulators = await startSimulators({ now: () => epochMs(Date.now()), scale: 1, random: Math.random });
  const byName = new Map([...deployed.refreshers.values()].map(fn => [fn.name, fn]));
  const lambda = await startLambda(byName, deployed.aws.variables);
  try {
    await new Cycle(deployed, simulators.url, lambda.url).run(say);
  } finally {
    lambda.close();
    await simulators.close();
  }
};

class Cycle {
  readonly #deployed: Deployed;
  readonly #secrets: SecretsManagerClient;
  readonly #simulators: string;
  readonly #calls: Calls;

  constructor(deployed: Deployed, simulators: string, lambda: string) {
    const { variables } = deployed.aws;
    this.#deployed = deployed;
    this.#simulators = simulators;
    this.#calls = new Calls(deployed, { ...variables, AWS_ENDPOINT_URL_LAMBDA: lambda });
    const [endpoint = '', region = ''] = [variables.AWS_ENDPOINT_URL, variables.AWS_REGION];
    this.#secrets = new SecretsManagerClient({
      endpoint,
      region,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
  }

  async run(say: (line: string) => void): Promise<void> {
    await this.#createSecrets();
    say(`secrets created: ${SECRETS.join(', ')}`);

    const found = await this.#calls.tick('discover', this.#deployed.discover);
    assert.deepEqual(Reflect.get(Object(found.result), 'added').toSorted(), ALL);
    say(`discover found ${ALL.length} connections`);

    await this.#refreshAll();
    say('refresh obtained a token for each, on the events of the schedules; a second tick had nothing to do');

    const token = await this.#readByApi();
    say('api served a token, and the provider took it');

    const consumed = await this.#calls.run(this.#deployed.consumer, { path: 'Clients' });
    assert.deepEqual(consumed.result, {
      status: 200,
      answer: { ok: true, account: OSLO, path: '/v2/Clients' },
      expiresAt: token.expiresAt,
    });
    say('the example consumer read the same token from the table, and the provider took it');

    await this.#force(token.accessToken);
    say('a forced refresh went through api to refresh and brought another token; a second one at once was refused');

    await this.#otherAnswers();
    say('what is not there or not allowed is a problem document; no refresher acts for another provider');

    await this.#changeState();
    say('a wrong secret needed attention, a corrected one recovered, and the event bus told both');

    await this.#retire();
    say('a deleted secret retired its connections and took their tokens away');

    this.#silent(token.accessToken);
    say('no log holds a token or a credential');
  }

  async #createSecrets(): Promise<void> {
    const contents = simulatedSecrets(this.#simulators);
    for (const name of SECRETS) {
      const SecretString = JSON.stringify(contents[name]);
      await this.#secrets.send(new CreateSecretCommand({ Name: `token-refresher/${name}`, SecretString }));
    }
  }

  async #refreshAll(): Promise<void> {
    for (const [provider, refreshed] of [
      ['poweroffice-v2', 3],
      ['ioffice', 1],
    ] as const) {
      const fn = this.#calls.refresher(provider);
      const ran = await this.#calls.tick(`refresh-${provider}`, fn);
      const { results, connections } = ran.result as { results: Record<string, number>; connections: number };
      assert.deepEqual([provider, results.refreshed, connections], [provider, refreshed, refreshed]);
      const measured = ran.log.find(line => line.OldestOverdue !== undefined);
      assert.equal(measured?.Provider, provider, 'a tick publishes its metrics');
      const again = await this.#calls.tick(`refresh-${provider}`, fn);
      assert.equal(Reflect.get(Object(again.result), 'due'), 0);
    }
  }

  async #readByApi(): Promise<{ accessToken: string; expiresAt: string }> {
    const { statusCode, json } = await this.#calls.api('GET', `/tokens/${OSLO}`, { minTtl: '60' });
    const { connection, accessToken, expiresAt, expiresIn, headers, baseUrl } = json;
    assert.deepEqual([statusCode, connection, baseUrl], [200, OSLO, `${this.#simulators}/poweroffice-v2/v2`]);
    assert.ok(Number(expiresIn) > 1000 && Number(expiresIn) <= 1200);
    const response = await fetch(`${baseUrl}/Clients`, { headers: headers as Record<string, string> });
    assert.deepEqual(await response.json(), { ok: true, account: OSLO, path: '/v2/Clients' });
    return { accessToken: String(accessToken), expiresAt: String(expiresAt) };
  }

  async #force(before: string): Promise<void> {
    // The provider tells tokens of one second apart by their serial only; the clock need not move.
    await sleep(10);
    const forced = await this.#calls.api('POST', `/tokens/${OSLO}/refresh`);
    assert.equal(forced.statusCode, 200, JSON.stringify(forced.json));
    assert.notEqual(forced.json.accessToken, before);
    const again = await this.#calls.api('POST', `/tokens/${OSLO}/refresh`);
    assert.deepEqual([again.statusCode, again.json.code], [429, 'too_many_refreshes']);
    assert.ok(Number(again.headers['retry-after']) > 0);
  }

  async #otherAnswers(): Promise<void> {
    const { json } = await this.#calls.api('GET', '/connections');
    const states = (json.connections as { connection: string; status: string }[]).map(each => [
      each.connection,
      each.status,
    ]);
    assert.deepEqual(
      states,
      ALL.map(connection => [connection, 'healthy']),
    );
    const nowhere = await this.#calls.api('GET', '/nowhere');
    assert.deepEqual([nowhere.statusCode, nowhere.json.code], [404, 'not_found']);
    const deleting = await this.#calls.api('DELETE', `/tokens/${OSLO}`);
    assert.deepEqual([deleting.statusCode, deleting.json.code], [405, 'method_not_allowed']);
    const foreign = await this.#calls.run(this.#calls.refresher('ioffice'), {
      ask: { kind: 'forced', connection: OSLO },
    });
    assert.deepEqual(foreign.result, { result: 'unknown' });
  }

  /** A wrong password is a matter of a person; the right one is picked up by the next tick. */
  async #changeState(): Promise<void> {
    const deployed = this.#deployed;
    const ioffice = this.#calls.refresher('ioffice');
    const heard = await listenTo(deployed.aws, ioffice.environment.EVENT_BUS ?? '');
    const secret = simulatedSecrets(this.#simulators)['ioffice/campus'];
    const rotateTo = async (fields: object) => {
      const SecretString = JSON.stringify({ ...secret, ...fields });
      await this.#secrets.send(new PutSecretValueCommand({ SecretId: 'token-refresher/ioffice/campus', SecretString }));
      await this.#calls.tick('discover', deployed.discover);
    };
    await rotateTo({ password: 'wrong' });
    await this.#calls.run(ioffice, { ask: { kind: 'forced', connection: 'ioffice/campus' } });
    await rotateTo({});
    await this.#calls.tick('refresh-ioffice', ioffice);
    const told = (await heard()).map(event => [event.source, event['detail-type'], event.detail.connection]);
    assert.deepEqual(told, [
      ['token-refresher', 'needs attention', 'ioffice/campus'],
      ['token-refresher', 'recovered', 'ioffice/campus'],
    ]);
  }

  async #retire(): Promise<void> {
    await this.#secrets.send(
      new DeleteSecretCommand({ SecretId: `token-refresher/${SECRETS[0]}`, ForceDeleteWithoutRecovery: true }),
    );
    const { result } = await this.#calls.tick('discover', this.#deployed.discover);
    assert.deepEqual(Reflect.get(Object(result), 'retired').toSorted(), ALL.slice(1));
    const { statusCode, json } = await this.#calls.api('GET', `/tokens/${OSLO}`);
    assert.deepEqual([statusCode, json.code], [404, 'unknown_connection']);
  }

  #silent(accessToken: string): void {
    const credentials = Object.values(simulatedSecrets(this.#simulators)['poweroffice-v2/nordic-books'] ?? {}).filter(
      value => typeof value === 'string' && !value.startsWith('http'),
    );
    const log = JSON.stringify(this.#calls.logs);
    assert.ok(this.#calls.logs.length > 10);
    for (const secret of [accessToken, ...credentials]) assert.ok(!log.includes(String(secret)));
  }
}
