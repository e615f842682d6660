import { TokenError } from './errors.ts';
import { longestFetch } from './patience.ts';
import type { CurrentToken, TokenSource } from './token.ts';

/**
 * The windows, as shares of a token's life that are left. A healthy schedule has renewed the token before 35 % are left.
 * Each token draws its own shares: processes that read it at the same moment do not fetch the next one at the same
 * moment.
 */
export const windows = { advisory: { least: 0.25, most: 0.35 }, mandatory: { least: 0.1, most: 0.15 } };
/**
 * The pause after a fetch without a newer token, in milliseconds: a share of the life within these limits, and of that a
 * part that is drawn.
 */
export const pauses = { share: 0.05, least: 1000, most: 30_000, part: { least: 0.5, most: 1 } };

interface Held {
  readonly token: CurrentToken;
  /** The same for every caller: a promise for each call would take longer than the rest of it. */
  readonly answer: Promise<CurrentToken>;
  readonly advisoryAt: number;
  readonly mandatoryAt: number;
}

interface Fetching {
  readonly token: Promise<CurrentToken>;
  readonly since: number;
  /** In seconds. */
  readonly minTtl: number;
  /** The most that callers wait for who need more than that. */
  wanted: number;
}

interface Renewing {
  readonly token: Promise<CurrentToken | undefined>;
  readonly since: number;
  readonly refused: CurrentToken;
}

interface Entry {
  held?: Held | undefined;
  fetching?: Fetching | undefined;
  /** Until then the last fetch counts: it brought nothing newer for this `minTtl`. */
  paused?: { readonly until: number; readonly minTtl: number } | undefined;
  renewing?: Renewing | undefined;
  renewalPausedUntil?: number;
}

export interface CacheDeps {
  readonly source: TokenSource;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** An older call belongs to a process that was frozen in between: its connection is gone. */
const isLost = ({ since }: { readonly since: number }, now: number): boolean => now - since > longestFetch;

const between = ({ least, most }: { least: number; most: number }, share: number) => least + (most - least) * share;

const heldFrom = (token: CurrentToken, random: () => number): Held => {
  const { issuedAt, expiresAt } = token;
  const leaving = (share: number) => expiresAt - share * (expiresAt - issuedAt);
  return {
    token,
    answer: Promise.resolve(token),
    advisoryAt: leaving(between(windows.advisory, random())),
    mandatoryAt: leaving(between(windows.mandatory, random())),
  };
};

type Step = 'use' | 'use and fetch' | 'wait';

/** What a caller does now with what is held. */
const decideStep = ({ held, paused }: Pick<Entry, 'held' | 'paused'>, now: number, minTtl: number): Step => {
  if (!held || held.token.expiresAt <= now) return 'wait';
  const isEnough = held.token.expiresAt - now >= minTtl * 1000;
  if (isEnough && now < held.advisoryAt) return 'use';
  if (paused && now < paused.until && minTtl <= paused.minTtl) return 'use';
  return isEnough && now < held.mandatoryAt ? 'use and fetch' : 'wait';
};

/**
 * An older token than the held one comes from a slower answer, or from a table that was restored: it counts only if
 * the held one has expired. Of two expiries of one token the earlier one counts.
 */
const replaces = (token: CurrentToken, held: CurrentToken, now: number): boolean =>
  token.issuedAt > held.issuedAt ||
  (token.issuedAt === held.issuedAt && token.expiresAt < held.expiresAt) ||
  (held.expiresAt <= now && token.expiresAt > held.expiresAt);

/** The tokens of one process: one fetch at a time for each connection, however many callers there are. */
export class TokenCache {
  readonly #entries = new Map<string, Entry>();
  readonly #deps: CacheDeps;

  constructor(deps: CacheDeps) {
    this.#deps = deps;
  }

  /** The token from memory; undefined if it is time for another one. */
  fresh(connection: string, minTtl: number): Promise<CurrentToken> | undefined {
    const held = this.#entries.get(connection)?.held;
    if (held === undefined) return undefined;
    const now = this.#deps.now();
    return now < held.advisoryAt && minTtl >= 0 && held.token.expiresAt - now >= minTtl * 1000
      ? held.answer
      : undefined;
  }

  async get(connection: string, minTtl: number, wanted = minTtl): Promise<CurrentToken> {
    const entry = this.#entryOf(connection);
    const now = this.#deps.now();
    const step = decideStep(entry, now, minTtl);
    if (step === 'use' && entry.held) return entry.held.token;
    const running = this.#fetching(connection, entry, wanted);
    if (step === 'use and fetch' && entry.held) return entry.held.token;
    try {
      const token = await running.token;
      // Its token may be enough. If not, all who need more share the next fetch.
      return running.minTtl >= minTtl ? token : await this.get(connection, minTtl, running.wanted);
    } catch (error) {
      // The connection may have ended meanwhile: then nothing is held.
      if (entry.held && entry.held.token.expiresAt > this.#deps.now()) return entry.held.token;
      throw error;
    }
  }

  /** A newer token than the refused one; undefined if there is none yet. */
  async renew(refused: CurrentToken): Promise<CurrentToken | undefined> {
    const entry = this.#entryOf(refused.connection);
    const { held } = entry;
    if (held && held.token.issuedAt > refused.issuedAt) return held.token;
    const now = this.#deps.now();
    const running = entry.renewing;
    if (running?.refused.issuedAt === refused.issuedAt && !isLost(running, now)) return running.token;
    if (now < (entry.renewalPausedUntil ?? 0)) return undefined;
    const renewing = { token: this.#renewed(entry, refused), since: now, refused };
    entry.renewing = renewing;
    try {
      return await renewing.token;
    } finally {
      if (entry.renewing === renewing) entry.renewing = undefined;
      this.#forgetIfEmpty(refused.connection, entry);
    }
  }

  #entryOf(connection: string): Entry {
    const entry = this.#entries.get(connection) ?? {};
    this.#entries.set(connection, entry);
    return entry;
  }

  #fetching(connection: string, entry: Entry, minTtl: number): Fetching {
    const now = this.#deps.now();
    const running = entry.fetching;
    if (running && !isLost(running, now)) {
      running.wanted = Math.max(running.wanted, minTtl);
      return running;
    }
    const started: Fetching = { token: this.#fetched(connection, entry, minTtl), since: now, minTtl, wanted: minTtl };
    entry.fetching = started;
    const ended = () => {
      if (entry.fetching === started) entry.fetching = undefined;
      this.#forgetIfEmpty(connection, entry);
    };
    // If nobody waits for it, its failure must not end the process.
    started.token.then(ended, ended);
    return started;
  }

  /** Names that nobody has a token for must not fill the memory. */
  #forgetIfEmpty(connection: string, entry: Entry): void {
    const isEmpty = !entry.held && !entry.fetching && !entry.renewing;
    if (isEmpty && this.#entries.get(connection) === entry) this.#entries.delete(connection);
  }

  async #fetched(connection: string, entry: Entry, minTtl: number): Promise<CurrentToken> {
    const before = entry.held?.token;
    const isValid = before !== undefined && before.expiresAt > this.#deps.now();
    try {
      const token = await this.#deps.source.get(connection, { minTtl, patience: isValid ? 'short' : 'long' });
      return this.#keep(entry, token);
    } catch (error) {
      // Its secret is deleted: nobody may use its token any more.
      if (error instanceof TokenError && error.code === 'unknown_connection') entry.held = undefined;
      throw error;
    } finally {
      entry.paused = this.#pauseUnlessEnough(entry, before, minTtl);
    }
  }

  /** Another fetch for the same `minTtl` would bring the same token. */
  #pauseUnlessEnough({ held }: Entry, before: CurrentToken | undefined, minTtl: number): Entry['paused'] {
    if (!held) return undefined;
    const { issuedAt, expiresAt } = held.token;
    const isEnough = issuedAt !== before?.issuedAt && expiresAt - this.#deps.now() >= minTtl * 1000;
    return isEnough ? undefined : { until: this.#pauseAfter(held.token), minTtl };
  }

  async #renewed(entry: Entry, refused: CurrentToken): Promise<CurrentToken | undefined> {
    const token = await this.#deps.source.renew(refused).catch((error: unknown) => {
      entry.renewalPausedUntil = this.#pauseAfter(refused);
      throw error;
    });
    if (token && token.issuedAt > refused.issuedAt) return this.#keep(entry, token);
    entry.renewalPausedUntil = this.#pauseAfter(refused);
    return undefined;
  }

  #keep(entry: Entry, token: CurrentToken): CurrentToken {
    const held = entry.held?.token;
    if (held && !replaces(token, held, this.#deps.now())) return held;
    entry.held = heldFrom(token, this.#deps.random);
    return token;
  }

  #pauseAfter({ issuedAt, expiresAt }: CurrentToken): number {
    const { share, least, most, part } = pauses;
    const pause = Math.min(most, Math.max(least, share * (expiresAt - issuedAt)));
    return this.#deps.now() + pause * between(part, this.#deps.random());
  }
}
