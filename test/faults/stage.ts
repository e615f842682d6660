import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { connectionTable } from '../../lib/aws/connection-table.ts';
import { sessionTable } from '../../lib/aws/session-table.ts';
import { createTables } from '../../lib/aws/tables.ts';
import { tokenTable } from '../../lib/aws/token-table.ts';
import type { Policy } from '../../lib/core/policy.ts';
import { allShards } from '../../lib/core/shard.ts';
import {
  type Connection,
  type ConnectionId,
  connectionId,
  type Milliseconds,
  type Token,
} from '../../lib/core/types.ts';
import type { Ask } from '../../lib/shell/demand.ts';
import { type SimulatedAccount, simulatedAccount, simulatedSecrets } from '../../local/simulators/accounts.ts';
import { localClients } from '../support/aws.ts';
import { repeat } from './poll.ts';
import type { ApiConfiguration } from './processes/api.ts';
import type { Behaviour, Counts } from './processes/provider.ts';
import type { RefresherConfiguration } from './processes/refresher.ts';
import { type Running, start } from './processes.ts';

export const PROVIDER = 'powerepos';

/** The parts that all rows share, each a process. */
export interface World {
  readonly aws: Running;
  readonly provider: Running;
}

/** A row of the table: what happens, what the service beside us did, and what ours did. */
export interface Row {
  readonly scenario: string;
  readonly reference: string;
  readonly ours: string;
  readonly won: boolean;
}

const post = async <T>(url: string, body: string): Promise<T> => {
  const answer = await fetch(url, { method: 'POST', body });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return (await answer.json()) as T;
};

/** One row's deployment: tables and secrets of its own in the shared AWS, so that rows can run side by side. */
export class Stage {
  readonly #world: World;
  readonly #name: string;
  readonly #policy: Partial<Policy>;
  readonly #clients;
  readonly #accounts = new Map<ConnectionId, SimulatedAccount>();
  readonly tokens;
  readonly connections;
  readonly #sessions;

  constructor(world: World, name: string, policy: Partial<Policy> = {}) {
    this.#world = world;
    this.#name = name;
    this.#policy = policy;
    this.#clients = localClients({ endpoint: world.aws.url });
    this.tokens = tokenTable(this.#clients.dynamodb, this.#tables.tokens);
    this.#sessions = sessionTable(this.#clients.dynamodb, this.#tables.connections);
    this.connections = connectionTable(this.#clients.dynamodb, this.#tables.connections, error => {
      throw error;
    });
  }

  get #tables() {
    return { tokens: `${this.#name}-tokens`, connections: `${this.#name}-connections` };
  }
  get #prefix(): string {
    return `${this.#name}/`;
  }

  /** A deployment with a customer for each name, whose tokens live so long. Their first tokens are still to be had. */
  async open(names: readonly string[], lifetime: Milliseconds): Promise<ConnectionId[]> {
    await createTables(this.#clients.dynamodb, this.#tables);
    for (const name of names) {
      const account = simulatedAccount(PROVIDER, name);
      const id = connectionId(PROVIDER, name);
      if (!id) throw new Error(`${name} is no name`);
      this.#accounts.set(id, account);
      await this.behave(id, { lifetime });
      const [secret] = Object.values(simulatedSecrets(this.#world.provider.url, [account]));
      await this.#clients.secretsManager.send(
        new CreateSecretCommand({ Name: `${this.#prefix}${id}`, SecretString: JSON.stringify(secret) }),
      );
    }
    return this.ids;
  }

  get ids(): ConnectionId[] {
    return [...this.#accounts.keys()];
  }

  refresher(endpoint: string = this.#world.aws.url): Promise<Running> {
    const configuration: RefresherConfiguration = {
      endpoint,
      tables: this.#tables,
      prefix: this.#prefix,
      provider: PROVIDER,
      policy: this.#policy,
    };
    return start('refresher', configuration);
  }

  api(refresher: Running): Promise<Running> {
    const configuration: ApiConfiguration = {
      endpoint: this.#world.aws.url,
      tables: this.#tables,
      provider: PROVIDER,
      refresher: refresher.url,
    };
    return start('api', configuration);
  }

  discover(refresher: Running): Promise<unknown> {
    return post(refresher.url, JSON.stringify({ discover: true }));
  }
  tick(refresher: Running): Promise<unknown> {
    return post(refresher.url, JSON.stringify({ shards: allShards }));
  }
  /** A consumer was refused its token: refresh this one now. A refresher that is killed meanwhile never answers. */
  /** As the API does for a consumer whose token was refused. */
  async force(refresher: Running, connection: ConnectionId): Promise<unknown> {
    const { issuedAt } = await this.token(connection);
    const ask = { kind: 'forced', connection, issuedAt, waits: true } satisfies Ask;
    return post(refresher.url, JSON.stringify({ ask })).catch(() => undefined);
  }
  /** The schedule, faster than in the cloud: each of the refreshers, all the time. */
  schedule(refreshers: readonly Running[]): { stop(): Promise<void> } {
    const ticks = refreshers.map(refresher => repeat(200, () => this.tick(refresher)));
    return { stop: async () => void (await Promise.all(ticks.map(each => each.stop()))) };
  }

  #org(connection: ConnectionId): string {
    return this.#accounts.get(connection)?.fields.orgId ?? '';
  }
  behave(connection: ConnectionId, behaviour: Omit<Behaviour, 'org'>): Promise<unknown> {
    return post(
      `${this.#world.provider.url}/admin/behave`,
      JSON.stringify({ org: this.#org(connection), ...behaviour }),
    );
  }
  counts(connection: ConnectionId): Promise<Counts> {
    return post(`${this.#world.provider.url}/admin/counts`, this.#org(connection));
  }
  async sum(count: keyof Counts, connections: readonly ConnectionId[] = this.ids): Promise<number> {
    const all = await Promise.all(connections.map(each => this.counts(each)));
    return all.reduce((total, each) => total + each[count], 0);
  }

  async token(connection: ConnectionId): Promise<Token> {
    const token = await this.tokens.get(connection);
    if (!token) throw new Error(`no token of ${connection}`);
    return token;
  }
  /** Whether the provider itself takes the published token, used as a consumer uses it. */
  async accepted(connection: ConnectionId): Promise<boolean> {
    const { baseUrl, headers } = await this.token(connection);
    return (await fetch(`${baseUrl}/things`, { headers })).ok;
  }
  /** Healthy, nobody's any more, with a token that the provider takes and a refresh token that can still be used. */
  async isWell(connection: ConnectionId): Promise<boolean> {
    const record = await this.connections.get(connection);
    return record !== undefined && isSettled(record) && (await this.accepted(connection)) && this.#usable(record);
  }
  async #usable({ connection }: Connection): Promise<boolean> {
    const stored = await this.#sessions.get(connection);
    return post(`${this.#world.provider.url}/admin/usable`, stored?.session?.refreshToken ?? '');
  }
}

const isSettled = ({ status, leaseUntil }: Connection): boolean => status === 'healthy' && leaseUntil === undefined;
