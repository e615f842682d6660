import { defaultPolicy, tickOf, WATCH_EVERY } from '../../lib/core/policy.ts';
import {
  type ConnectionId,
  type EpochMs,
  type Milliseconds,
  minutes,
  plus,
  seconds,
  type Token,
} from '../../lib/core/types.ts';
import { backUp } from '../kit/backup.ts';
import type { MemoryTables } from '../kit/memory.ts';
import type { Customer } from './customers.ts';
import type { Faults } from './faults.ts';
import type { ProviderLedger } from './ledger.ts';
import type { Loop } from './loop.ts';
import type { Readers } from './readers.ts';
import { RECOVERY, type SeedScenario } from './scenario.ts';
import { rejections, type Witness } from './witness.ts';

interface Parts {
  readonly loop: Loop;
  readonly scenario: SeedScenario;
  readonly faults: Faults;
  readonly customers: readonly Customer[];
  readonly tables: MemoryTables;
  readonly ledger: ProviderLedger;
  readonly witness: Witness;
  readonly readers: Readers;
}

/** The only copy of access may be resent if the published token has no more time left than this. */
const NEAR_ITS_END = minutes(12);

/** Once in a run a person restores one of the tables to an earlier state, and readers continue. */
export class Restorer {
  readonly #parts: Parts;
  #restoredAt: EpochMs | undefined;
  /** Access tokens of an earlier state. */
  readonly #cameBack = new Set<string>();
  /** Connections whose session has been an earlier one since then. */
  readonly #taken = new Set<ConnectionId>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  begin(): void {
    const { loop, scenario, tables } = this.#parts;
    const { restore } = scenario;
    if (!restore) return;
    loop.at(restore.from, () => {
      const bringBack = backUp(tables, restore.table);
      loop.at(restore.at, () => this.#restore(bringBack));
    });
  }

  #restore(bringBack: () => void): void {
    const { loop, faults, scenario, tables, witness, customers, readers } = this.#parts;
    faults.count(`restored at ${scenario.restore?.table}`);
    const sessionOf = (connection: ConnectionId) => tables.sessions.get(connection)?.session?.refreshToken;
    const before = customers.map(({ connection }) => [connection, sessionOf(connection)] as const);
    const tokens = new Map(tables.tokens);
    bringBack();
    for (const [connection, token] of tables.tokens)
      if (token !== tokens.get(connection)) this.#cameBack.add(token.accessToken);
    for (const [connection, session] of before) if (session !== sessionOf(connection)) this.#taken.add(connection);
    this.#restoredAt = loop.now;
    witness.restored(tables);
    const restoredAt = loop.now;
    for (const customer of customers) {
      // The next read, another when the restored token has expired, and one after all other troubles.
      const expiresAt = tables.tokens.get(customer.connection)?.expiresAt ?? loop.now;
      for (const at of [plus(loop.now, seconds(30)), plus(expiresAt, seconds(5)), scenario.calmFrom])
        loop.at(at, () => void readers.read(customer));
    }
    loop.after(this.#healsWithin, () => void this.#wellAgain(restoredAt));
  }

  /** A discovery, a tick, a lease, and the time of a read. */
  get #healsWithin(): Milliseconds {
    const { providers, lag } = this.#parts.scenario;
    return WATCH_EVERY + lag + Math.max(...providers.map(tickOf)) + defaultPolicy.lease + minutes(1);
  }

  /** Everyone who was well before and had no other trouble since must be well again. */
  async #wellAgain(restoredAt: EpochMs): Promise<void> {
    const { loop, scenario, customers, tables, ledger, witness, faults } = this.#parts;
    const since = plus(restoredAt, -(RECOVERY + scenario.lag));
    if (scenario.troubles.some(({ kind, from, to }) => kind !== 'restored' && from <= loop.now && to >= since)) return;
    for (const customer of customers) {
      if (customer.state !== 'good' || customer.secretChanges.some(at => at > since)) continue;
      // The restored token was valid until a moment ago, and is replaced when it is read again.
      const token = tables.tokens.get(customer.connection);
      if (this.cameBack(token) && (token?.expiresAt ?? 0) > restoredAt) continue;
      faults.count('restored and checked');
      const record = tables.records.get(customer.connection);
      if ((await witness.isWell(customer)) || rejections.has(record?.lastError?.code)) continue;
      ledger.violated(
        `${customer.connection}: not well after a restore: ${record?.status} (${record?.lastError?.code})`,
      );
    }
  }

  /** Whether a token was restored: its provider may have ended it since. */
  cameBack(token: Token | undefined): boolean {
    return token !== undefined && this.#cameBack.has(token.accessToken);
  }

  /** Whether the restore removed the session of a connection, which is lost if nothing else can replace it. */
  took(connection: ConnectionId): boolean {
    return this.#taken.has(connection);
  }

  /** Whether something that happened at that time was forgotten with the table `Connections`. */
  forgot(at: EpochMs): boolean {
    const { restore } = this.#parts.scenario;
    return restore?.table === 'connections' && this.#restoredAt !== undefined && restore.from <= at && at <= restore.at;
  }

  /**
   * Whether nothing shows that a refresh token is spent: it was redeemed after the restored state, and no newer token
   * is published. For an irreplaceable one it is enough that the token has little time left, or that a reader reports it as
   * refused.
   */
  mayBeSentAgain(refreshToken: string, redeemedAt: EpochMs, irreplaceable: boolean): boolean {
    const { loop, tables, readers } = this.#parts;
    if (!this.forgot(redeemedAt)) return false;
    const keeper = this.#keeperOf(refreshToken);
    const token = keeper && tables.tokens.get(keeper);
    const session = keeper && tables.sessions.get(keeper);
    if (!token || !session || token.version <= session.version) return true;
    return irreplaceable && (readers.forced.has(token.connection) || token.expiresAt < plus(loop.now, NEAR_ITS_END));
  }

  #keeperOf(refreshToken: string): ConnectionId | undefined {
    for (const [connection, { session }] of this.#parts.tables.sessions)
      if (session?.refreshToken === refreshToken) return connection;
    return undefined;
  }
}
