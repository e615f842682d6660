import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
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
import type { Transition } from '../../lib/events.ts';
import type { RefreshRequest } from '../../lib/refresh/demand.ts';
import { type SimulatedAccount, simulatedAccount } from '../../local/simulators/accounts.ts';
import { localClients } from '../kit/aws.ts';
import { customerOf, providerFor, type SecretKind, secretContentOf } from './customers.ts';
import { repeat } from './poll.ts';
import type { ApiConfiguration } from './processes/api.ts';
import type { Behaviour, Counts } from './processes/provider.ts';
import type { RefresherConfiguration } from './processes/refresher.ts';
import { type Running, startProcess } from './processes.ts';

/** The parts that all rows share, each a process. */
export interface SharedProcesses {
  readonly aws: Running;
  readonly providers: Readonly<Record<SecretKind, Running>>;
}

/** A row of the table: what happens to which connections, what the other service did, and what token-refresher did. */
export interface Row {
  readonly scenario: string;
  readonly held: SecretKind;
  readonly reference: string;
  readonly ours: string;
  readonly won: boolean;
}

const post = async <T>(url: string, body: string): Promise<T> => {
  const answer = await fetch(url, { method: 'POST', body });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return (await answer.json()) as T;
};

/** One row's deployment: its own tables and secrets in the shared AWS. Rows can run in parallel. */
export class RowStage {
  readonly #shared: SharedProcesses;
  readonly #name: string;
  readonly #held: SecretKind;
  readonly #refreshers: Running[] = [];
  readonly #policy: Partial<Policy>;
  readonly #clients;
  readonly #accounts = new Map<ConnectionId, SimulatedAccount>();
  readonly tokens;
  readonly connections;
  readonly #sessions;

  constructor(shared: SharedProcesses, name: string, policy: Partial<Policy> = {}, held: SecretKind = 'credentials') {
    this.#shared = shared;
    this.#name = held === 'credentials' ? name : `${name}-only`;
    this.#held = held;
    this.#policy = policy;
    this.#clients = localClients({ endpoint: shared.aws.url });
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
  get #provider(): Running {
    return this.#shared.providers[this.#held];
  }

  /** A deployment with a customer for each name and this token lifetime. Their first tokens are not obtained yet. */
  async open(names: readonly string[], lifetime: Milliseconds): Promise<ConnectionId[]> {
    await createTables(this.#clients.dynamodb, this.#tables);
    for (const name of names) {
      const account = simulatedAccount(providerFor[this.#held], name);
      const id = connectionId(account.provider, name);
      if (!id) throw new Error(`${name} is not the name of a connection`);
      this.#accounts.set(id, account);
      await this.behave(id, { lifetime });
      await this.#clients.secretsManager.send(
        new CreateSecretCommand({ Name: `${this.#prefix}${id}`, SecretString: await this.#secret(id) }),
      );
    }
    return this.ids;
  }
  /** A person logs in again, and puts the code into the secret. */
  async hand(connection: ConnectionId): Promise<void> {
    const value = { SecretId: `${this.#prefix}${connection}`, SecretString: await this.#secret(connection) };
    await this.#clients.secretsManager.send(new PutSecretValueCommand(value));
  }
  async #secret(connection: ConnectionId): Promise<string> {
    return JSON.stringify(await secretContentOf(this.#provider.url, this.#account(connection), this.#held));
  }

  get ids(): ConnectionId[] {
    return [...this.#accounts.keys()];
  }

  async refresher(endpoint: string = this.#shared.aws.url): Promise<Running> {
    const configuration: RefresherConfiguration = {
      endpoint,
      tables: this.#tables,
      prefix: this.#prefix,
      provider: providerFor[this.#held],
      policy: this.#policy,
    };
    const refresher = await startProcess('refresher', configuration);
    this.#refreshers.push(refresher);
    return refresher;
  }
  /** The events that were published about a connection. */
  events(connection: ConnectionId): Transition[] {
    return this.#refreshers.flatMap(({ events }) => events).filter(event => event.connection === connection);
  }

  api(refresher: Running): Promise<Running> {
    const configuration: ApiConfiguration = {
      endpoint: this.#shared.aws.url,
      tables: this.#tables,
      provider: providerFor[this.#held],
      refresher: refresher.url,
      policy: this.#policy,
    };
    return startProcess('api', configuration);
  }

  discover(refresher: Running): Promise<unknown> {
    return post(refresher.url, JSON.stringify({ discover: true }));
  }
  tick(refresher: Running): Promise<unknown> {
    return post(refresher.url, JSON.stringify({ shards: allShards }));
  }
  /**
   * Does what the API does for a consumer whose token was refused. A refresher that is killed meanwhile never answers.
   */
  async force(refresher: Running, connection: ConnectionId): Promise<unknown> {
    const { issuedAt } = await this.token(connection);
    const request = { kind: 'force', connection, issuedAt, waits: true } satisfies RefreshRequest;
    return post(refresher.url, JSON.stringify({ request })).catch(() => undefined);
  }
  /** The schedule, faster than in the cloud: runs each of the refreshers continuously. */
  schedule(refreshers: readonly Running[]): { stop(): Promise<void> } {
    const ticks = refreshers.map(refresher => repeat(200, () => this.tick(refresher)));
    return { stop: async () => void (await Promise.all(ticks.map(each => each.stop()))) };
  }

  #account(connection: ConnectionId): SimulatedAccount {
    const account = this.#accounts.get(connection);
    if (!account) throw new Error(`${connection} is nobody's`);
    return account;
  }
  behave(connection: ConnectionId, behaviour: Omit<Behaviour, 'customer'>): Promise<unknown> {
    const customer = customerOf(this.#account(connection));
    return post(`${this.#provider.url}/admin/behave`, JSON.stringify({ customer, ...behaviour }));
  }
  counts(connection: ConnectionId): Promise<Counts> {
    return post(`${this.#provider.url}/admin/counts`, customerOf(this.#account(connection)));
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
  /** Whether the provider itself accepts the published token from a consumer. */
  async accepted(connection: ConnectionId): Promise<boolean> {
    const { baseUrl, headers } = await this.token(connection);
    return (await fetch(`${baseUrl}/things`, { headers })).ok;
  }
  /** Healthy, without a lease, with a token that the provider accepts and a refresh token that still works. */
  async isWell(connection: ConnectionId): Promise<boolean> {
    const record = await this.connections.get(connection);
    return record !== undefined && isSettled(record) && (await this.accepted(connection)) && this.#usable(record);
  }
  async #usable({ connection }: Connection): Promise<boolean> {
    const stored = await this.#sessions.get(connection);
    return post(`${this.#provider.url}/admin/usable`, stored?.session?.refreshToken ?? '');
  }
}

const isSettled = ({ status, leaseUntil }: Connection): boolean => status === 'healthy' && leaseUntil === undefined;
