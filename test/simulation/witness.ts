import { GRACE } from '../../lib/core/retirement.ts';
import {
  type Connection,
  type ConnectionId,
  type EpochMs,
  hours,
  type Milliseconds,
  minutes,
  plus,
  type Token,
} from '../../lib/core/types.ts';
import type { Transition } from '../../lib/events.ts';
import type { MemoryTables, Stores } from '../kit/memory.ts';
import type { Alarms } from './alarms.ts';
import type { Customer } from './customers.ts';
import type { Trouble } from './faults.ts';
import type { ProviderLedger } from './ledger.ts';
import type { Loop } from './loop.ts';
import type { Mailbox } from './mailbox.ts';
import { isUndisturbed, RECOVERY, type SeedScenario } from './scenario.ts';

interface Parts {
  readonly loop: Loop;
  readonly scenario: SeedScenario;
  readonly ledger: ProviderLedger;
  /** Whether anything was wrong at some time between the two. */
  readonly troubled: (from: EpochMs, to: EpochMs) => boolean;
  /** Whether a firewall may have rejected something between the two times. */
  readonly rejected: (from: EpochMs, to: EpochMs) => boolean;
  readonly alarms: Alarms;
  readonly mailbox: Mailbox;
  readonly customers: readonly Customer[];
  readonly stores: Stores;
  readonly say: (line: string) => void;
  /** Whether a provider would still accept a refresh token. */
  readonly holds: (provider: string, refreshToken: string) => boolean;
  /** Called when a connection begins to need a person. */
  readonly reported: (connection: ConnectionId) => void;
  /** Whether a restored table removed the session of a connection. */
  readonly took: (connection: ConnectionId) => boolean;
  /** Whether so many different logins of a user were wrong that a corrected one has to wait for an operator. */
  readonly isUsedUp: (provider: string) => boolean;
}

/** A run takes at most this long between its last read of a secret and its result, unless it is frozen. */
const LAG = minutes(1.5);

/** A token is gone this long after the grace period: a tick, and some time to notice it. */
const GONE_WITHIN = minutes(7);

/** The error codes of answers without a verdict. */
export const rejections: ReadonlySet<string | undefined> = new Set([
  'access_refused',
  'request_rejected',
  'invalid_request',
]);

/** Troubles that also affect the watch: it crashes, freezes, is not run, or its tables refuse. */
const strikesTheWatch: ReadonlySet<Trouble['kind']> = new Set([
  'crashes',
  'freezes',
  'store throttled',
  'store answers lost',
  'mixed',
  'missed ticks',
  'late ticks',
]);

/** Checks everything that is published and settled against the promises. */
export class Witness {
  readonly #parts: Parts;
  readonly #customers: ReadonlyMap<ConnectionId, Customer>;
  /** The stores, wrapped to observe each write. */
  readonly stores: Stores;
  readonly #tokens = new Map<ConnectionId, Token>();
  /** The retired connections, and their tokens during the grace period. */
  readonly #retiredOnes = new Map<ConnectionId, Token | undefined>();
  readonly #causes = new Map<ConnectionId, string>();
  readonly #attentionAt = new Map<ConnectionId, EpochMs>();
  readonly #attentionTo = new Map<ConnectionId, EpochMs>();
  grants = 0;
  #recoveredAt: EpochMs | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#customers = new Map(parts.customers.map(each => [each.connection, each]));
    const { stores } = parts;
    this.stores = {
      ...stores,
      tokens: this.#watchTokens(stores.tokens),
      connections: this.#watchRecords(stores.connections),
    };
  }

  published(connection: ConnectionId): Token | undefined {
    return this.#tokens.get(connection);
  }

  /** A table was restored: its content counts now, and a reported trouble may be reported again. */
  restored({ tokens, records }: MemoryTables): void {
    this.#causes.clear();
    for (const { connection, state } of this.#parts.customers) {
      const [token, record] = [tokens.get(connection), records.get(connection)];
      this.#retiredOnes.delete(connection);
      this.#tokens.delete(connection);
      // The token of a connection that has ended need not be served.
      const hasEnded = !record && state === 'deleted';
      if (record?.retiredAt !== undefined) this.#retiredOnes.set(connection, token);
      else if (token && !hasEnded) this.#tokens.set(connection, token);
    }
  }

  #watchTokens(tokens: Stores['tokens']): Stores['tokens'] {
    const { loop, ledger } = this.#parts;
    return {
      ...tokens,
      publish: async token => {
        const before = this.#tokens.get(token.connection);
        const published = await tokens.publish(token);
        if (published && before?.accessToken !== token.accessToken) {
          if (this.#customers.has(token.connection)) ledger.published(token, before);
          this.grants += 1;
          const { connection } = token;
          if (this.#retiredOnes.has(connection)) this.#retiredOnes.set(connection, token);
          else this.#tokens.set(connection, token);
          loop.at(token.expiresAt, () => this.#expired(token));
        }
        return published;
      },
      withdraw: async (connection, upTo) => {
        await tokens.withdraw(connection, upTo);
        if ((this.#tokens.get(connection)?.version ?? Number.POSITIVE_INFINITY) <= upTo)
          this.#tokens.delete(connection);
      },
    };
  }

  #watchRecords(connections: Stores['connections']): Stores['connections'] {
    const { loop, scenario, say } = this.#parts;
    return {
      ...connections,
      settle: async (connection, mine, settlement) => {
        const before = await connections.get(connection);
        const settled = await connections.settle(connection, mine, settlement);
        if (!settled) return false;
        say(JSON.stringify(settlement.lastError ?? {}));
        const sameVerdict = before?.status === 'attention' && before.usedVersion === settlement.usedVersion;
        if (settlement.status === 'attention' && !sameVerdict) await this.#judged(connection);
        if (settlement.status !== 'attention' && before?.status === 'attention')
          this.#attentionTo.set(connection, loop.now);
        if (settlement.status === 'healthy') this.#causes.delete(connection);
        if (loop.now >= scenario.calmFrom) void this.notice();
        return true;
      },
      add: async connection => {
        const added = await connections.add(connection);
        if (added) this.#retiredOnes.delete(connection.connection);
        return added;
      },
      retire: async (connection, at) => {
        await connections.retire(connection, at);
        this.#retired(connection);
        loop.after(GRACE + GONE_WITHIN, () => void this.#gone(connection, at));
      },
      replace: async (connection, at) => {
        await connections.replace(connection, at);
        this.#retired(connection);
      },
      beginEnd: async (connection, how) => {
        const begun = await connections.beginEnd(connection, how);
        if (begun) this.#ends(connection);
        return begun;
      },
      revive: async (connection, how) => {
        await connections.revive(connection, how);
        await this.#revived(connection);
      },
    };
  }

  /** A run that acts now has not read a secret before this time. */
  #lastLook(): EpochMs {
    const { loop, scenario } = this.#parts;
    return plus(loop.now, -(LAG + scenario.longestFreeze));
  }

  #retired(connection: ConnectionId): void {
    const { loop, ledger } = this.#parts;
    // From here on it need not be served.
    this.#retiredOnes.set(connection, this.#tokens.get(connection) ?? this.#retiredOnes.get(connection));
    this.#tokens.delete(connection);
    const customer = this.#customers.get(connection);
    if (customer && !customer.was(state => state === 'deleted', this.#lastLook(), loop.now))
      ledger.violated(`${connection}: retired, although its secret was there`);
  }

  /** If a secret came back in time, the token must be served again. */
  async #revived(connection: ConnectionId): Promise<void> {
    const { connections, tokens } = this.#parts.stores;
    const record = await connections.get(connection);
    if (record?.retiredAt !== undefined) return;
    const token = this.#retiredOnes.get(connection);
    this.#retiredOnes.delete(connection);
    if (token && (await tokens.get(connection))?.version === token.version) this.#tokens.set(connection, token);
  }

  /**
   * A connection ends only after its secret was away for the grace period; slightly less if no discovery ran in
   * between.
   */
  #ends(connection: ConnectionId): void {
    const { loop, ledger, troubled } = this.#parts;
    const { now } = loop;
    const customer = this.#customers.get(connection);
    if (!customer || customer.wasAway(GRACE - minutes(2), now) || troubled(plus(now, -minutes(20)), now)) return;
    ledger.violated(`${connection}: ended, although its secret was back in time`);
  }

  /** A token is readable for the grace period and a tick after its secret was found gone, and no longer. */
  async #gone(connection: ConnectionId, retiredAt: EpochMs): Promise<void> {
    const { loop, ledger, stores, troubled } = this.#parts;
    if (!this.#customers.has(connection) || troubled(plus(loop.now, -(GRACE + GONE_WITHIN)), loop.now)) return;
    const record = await stores.connections.get(connection);
    if (record?.retiredAt === retiredAt && (await stores.tokens.get(connection)))
      ledger.violated(`${connection}: its secret is gone, and its token is still there`);
  }

  /**
   * A connection needs attention only if the secret was really wrong while the run read it; or if a person’s login is
   * lost or may be, because its provider would not accept the refresh token any more or an answer did not arrive; or if
   * a firewall is in between; and if no code is waiting that was handed in after the fault.
   */
  async #judged(connection: ConnectionId): Promise<void> {
    const { loop, ledger, reported, holds, scenario } = this.#parts;
    const { now } = loop;
    this.#attentionAt.set(connection, now);
    this.#attentionTo.delete(connection);
    reported(connection);
    const customer = this.#customers.get(connection);
    if (!customer || customer.was(state => state !== 'good', this.#lastLook(), now)) return;
    if (this.#parts.isUsedUp(customer.provider)) return;
    const record = await this.#parts.stores.connections.get(connection);
    const stood = rejections.has(record?.lastError?.code) && this.#parts.rejected(plus(now, -hours(12)), now);
    if (stood) return;
    const refreshToken = (await this.#parts.stores.sessions.get(connection))?.session?.refreshToken;
    const inDoubt = record?.session?.inDoubt === true;
    const lost = inDoubt || refreshToken === undefined || !holds(customer.provider, refreshToken);
    if (!(customer.browser && lost && customer.changedAt < scenario.calmFrom && this.#mayBeLost(customer)))
      ledger.violated(`${connection}: attention without a reason`);
  }

  /** Only providers, networks and people, or the loss of its table, may destroy the only copy of access. */
  #mayBeLost({ connection, changedAt }: Customer): boolean {
    const { loop, scenario, took } = this.#parts;
    // A code is valid for five minutes, and a list of secrets may be older.
    if (scenario.lag > 0 && loop.now - changedAt > minutes(5) && loop.now - changedAt < minutes(15)) return true;
    const { sessionsEnd, secretsChange, edits, troubles } = scenario;
    const happened = troubles.some(({ kind, from }) => kind !== 'restored' && from <= loop.now);
    return sessionsEnd || secretsChange || edits || happened || took(connection);
  }

  /** Each cause is reported once without a success in between: the same version of a secret, or a firewall. */
  changed({ type, connection, reason }: Transition): void {
    if (type !== 'needs attention' || !this.#customers.has(connection)) return;
    const changes = this.#customers.get(connection)?.secretChanges.length ?? 0;
    const cause = `change ${changes}${rejections.has(reason) ? ' behind a firewall' : ''}`;
    if (this.#causes.get(connection) === cause)
      this.#parts.ledger.violated(`${connection}: attention twice for one cause`);
    this.#causes.set(connection, cause);
  }

  /** When tokens expired without a newer one. */
  readonly expiries: EpochMs[] = [];

  /** A token expired: that must have been reported in the second half of its life. */
  #expired(token: Token): void {
    const { loop, alarms, mailbox, ledger, scenario } = this.#parts;
    const { connection, issuedAt, expiresAt } = token;
    if (this.#tokens.get(connection) !== token || !this.#customers.has(connection)) return;
    this.expiries.push(expiresAt);
    if (isUndisturbed(scenario)) ledger.violated(`${connection}: a token expired and nothing was wrong`);
    const late = plus(issuedAt, (expiresAt - issuedAt) / 2);
    const attention = this.#attentionAt.has(connection) && (this.#attentionTo.get(connection) ?? expiresAt) >= late;
    if (expiresAt > scenario.calmFrom + RECOVERY && !attention)
      ledger.violated(`${connection}: a token expired in the calm`);
    if (alarms.reported(attention, late, expiresAt) || mailbox.reported(connection, late, expiresAt)) return;
    // Its secret was deleted when it was due for renewal, and came back at the last moment.
    if (this.#customers.get(connection)?.was(state => state === 'deleted', late, expiresAt)) return;
    // A trouble that also affects the watch delays the mails, which then come soon after its end.
    const struck = scenario.troubles.some(
      ({ kind, from, to }) => from < expiresAt && to > late && strikesTheWatch.has(kind),
    );
    loop.after(minutes(8), () => {
      const { now } = loop;
      if (struck && (alarms.reported(attention, late, now) || mailbox.reported(connection, late, now))) return;
      ledger.violated(`${connection}: a token expired and no report was sent`);
    });
  }

  /** Well, or waiting for the only person who can help, after a recent report. */
  async isWell({ connection, browser }: Customer): Promise<boolean> {
    const { loop, stores } = this.#parts;
    const record: Connection | undefined = await stores.connections.get(connection);
    const reportedAt = this.#attentionAt.get(connection);
    if (browser && record?.status === 'attention') return reportedAt !== undefined && loop.now - reportedAt < RECOVERY;
    return record?.status === 'healthy' && (this.#tokens.get(connection)?.expiresAt ?? 0) > loop.now;
  }

  /** Notes the first time since the last fault at which everyone is well. */
  async notice(): Promise<void> {
    if (this.#recoveredAt !== undefined) return;
    const well = await Promise.all(this.#parts.customers.map(each => this.isWell(each)));
    if (!well.includes(false)) this.#recoveredAt ??= this.#parts.loop.now;
  }

  /** The time from the last fault until everyone was well. */
  get recovery(): Milliseconds {
    const { calmFrom, end } = this.#parts.scenario;
    return (this.#recoveredAt ?? end) - calmFrom;
  }

  /** When a connection began to need a person, the last time. */
  attentionAt(connection: ConnectionId): EpochMs | undefined {
    return this.#attentionAt.get(connection);
  }

  async everyoneIsWell(): Promise<void> {
    const { customers, ledger, stores } = this.#parts;
    for (const customer of customers) {
      if (await this.isWell(customer)) continue;
      const record = await stores.connections.get(customer.connection);
      ledger.violated(`${customer.connection}: not well again, ${record?.status} (${record?.lastError?.code})`);
    }
  }
}
