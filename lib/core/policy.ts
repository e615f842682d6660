import type { Provider } from './provider.ts';
import { spread } from './shard.ts';
import { type ConnectionId, type EpochMs, hours, type Milliseconds, minutes, plus, seconds } from './types.ts';

/** Every number of the policy, in one place. Durations in milliseconds. */
export interface Policy {
  /** The share of a token's real lifetime after which it is renewed, and how far names spread it to either side. */
  readonly refreshAt: number;
  readonly jitter: number;
  /** The same share for a connection that only a person can bring back: people need time. */
  readonly earlyRefreshAt: number;
  /** The provider renews a token only this close to its end. */
  readonly renewWithin?: Milliseconds;
  /** The polling interval of the schedule. */
  readonly tick: Milliseconds;
  /** The shortest pause between two refreshes of one connection, even if its tokens expire sooner. */
  readonly floor: Milliseconds;
  readonly backoff: { readonly base: Milliseconds; readonly cap: Milliseconds; readonly floor: Milliseconds };
  /** The longest Retry-After that is honoured. */
  readonly retryAfterCap: Milliseconds;
  /**
   * A connection that needs attention is probed after `first`, then after twice as long, up to `cap`; up to `unnamed`
   * if the provider named no reason.
   */
  readonly probe: { readonly first: Milliseconds; readonly cap: Milliseconds; readonly unnamed: Milliseconds };
  /**
   * A rejection without a verdict stands if it comes again after this time. A login that may lock is not tried before.
   */
  readonly stands: Milliseconds;
  /** How often a consumer may force a refresh of one connection. */
  readonly forcedSpacing: Milliseconds;
  /** The deadline of one call, unless the provider's definition sets another. */
  readonly callDeadline: Milliseconds;
  /** The deadline of all calls of one run, including reading what they need. A run of a slow provider has more time. */
  readonly runDeadline: Milliseconds;
  /** The time that the lease reserves to keep, publish and settle. */
  readonly commit: Milliseconds;
  /** Longer than the run, the waits for rate-limit slots and the commit together. */
  readonly lease: Milliseconds;
}

/** How often a provider's schedule runs, and the share of a token's life after which it is renewed. */
export type Pace = Pick<Policy, 'tick' | 'refreshAt' | 'renewWithin'>;

export const defaultPolicy: Policy = {
  refreshAt: 0.5,
  jitter: 0.1,
  earlyRefreshAt: 0.25,
  tick: minutes(5),
  floor: minutes(1),
  backoff: { base: seconds(10), cap: minutes(5), floor: seconds(1) },
  retryAfterCap: hours(1),
  probe: { first: hours(1), cap: hours(24), unnamed: minutes(15) },
  stands: minutes(2),
  forcedSpacing: seconds(30),
  callDeadline: seconds(8),
  runDeadline: seconds(20),
  commit: seconds(8),
  lease: seconds(45),
};

type Deadlines = Pick<Policy, 'callDeadline' | 'runDeadline' | 'commit' | 'lease'>;

/** A run waits at most this long for rate-limit slots: enough for one-minute ticks to use up a one-minute limit. */
const SLOT_PATIENCE = seconds(15);
/** A run of the slowest provider with a rate limit waits this long for slots. */
const LEAST_SLOT_PATIENCE = seconds(3);

/** The time that a run has to read the credentials and the session. */
const readingOf = ({ callDeadline, runDeadline }: Deadlines): Milliseconds => runDeadline - 2 * callDeadline;

export const callDeadlineOf = (policy: Deadlines, { callDeadline }: Pick<Provider, 'callDeadline'>): Milliseconds =>
  callDeadline ?? policy.callDeadline;

/** Enough for a refresh grant and a login of the provider. The lease adds the commit. */
export const runDeadlineOf = (
  policy: Deadlines,
  provider: Pick<Provider, 'callDeadline' | 'callsPerRun'>,
): Milliseconds => {
  const calls = provider.callsPerRun * callDeadlineOf(policy, provider);
  return Math.min(policy.lease - policy.commit, Math.max(policy.runDeadline, readingOf(policy) + calls));
};

/** How long a run waits in all for rate-limit slots. A run of a slow provider waits less: the lease covers both. */
export const slotPatienceOf = (
  policy: Deadlines,
  provider: Pick<Provider, 'callDeadline' | 'callsPerRun'>,
): Milliseconds => Math.min(SLOT_PATIENCE, policy.lease - policy.commit - runDeadlineOf(policy, provider));

/** The longest deadline of one call that still lets a whole run fit into the lease. */
export const longestCallDeadline = (
  policy: Deadlines,
  { callsPerRun, rateLimit }: Pick<Provider, 'callsPerRun' | 'rateLimit'>,
): Milliseconds => {
  const waiting = rateLimit ? LEAST_SLOT_PATIENCE : 0;
  return Math.floor((policy.lease - policy.commit - readingOf(policy) - waiting) / callsPerRun);
};

/** The same policy for a simulation with token lifetimes `speed` times shorter. Limits of real work stay. */
export const scaled = (policy: Policy, speed: number): Policy => ({
  ...policy,
  tick: policy.tick / speed,
  floor: policy.floor / speed,
  ...(policy.renewWithin !== undefined && { renewWithin: policy.renewWithin / speed }),
  backoff: {
    base: policy.backoff.base / speed,
    cap: policy.backoff.cap / speed,
    floor: policy.backoff.floor / speed,
  },
  probe: {
    first: policy.probe.first / speed,
    cap: policy.probe.cap / speed,
    unnamed: policy.probe.unnamed / speed,
  },
  stands: policy.stands / speed,
});

/**
 * The polling interval of a provider: short enough for several chances before a token or a one-time code expires, and
 * at least once per rate-limit period, since postponed work waits for the next tick.
 */
export const tickOf = ({
  lifetime,
  codeLifetime,
  renewWithin,
  rateLimit,
}: Pick<Provider, 'lifetime' | 'codeLifetime' | 'renewWithin' | 'rateLimit'>) => {
  const tenth = Math.min(lifetime, codeLifetime ?? lifetime, 2 * (renewWithin ?? lifetime)) / 10;
  // A run waits for a slot of a shorter period.
  const period = rateLimit && rateLimit.per >= minutes(1) ? rateLimit.per : tenth;
  const whole = Math.round(Math.min(tenth, period) / minutes(1)) * minutes(1);
  return Math.min(minutes(5), Math.max(minutes(1), whole));
};

/** A renewal must be due at least two ticks before the token expires: one of them may fail. */
export const leavesTwoTicks = (
  { lifetime, renewWithin = lifetime }: Pick<Provider, 'lifetime' | 'renewWithin'>,
  refreshAt: number,
  tick: Milliseconds,
): boolean => {
  const { jitter } = defaultPolicy;
  const window = isBetweenTicks({ renewWithin, tick }) ? lifetime : renewWithin * (1 - jitter);
  return Math.min(lifetime * (1 - refreshAt * (1 + jitter)), window) >= 2 * tick;
};

/**
 * Whether a tick could miss the time in which the provider renews a token. If so, each tick waits for what is due
 * before the next.
 */
export const isBetweenTicks = ({ renewWithin, tick }: Pick<Policy, 'renewWithin' | 'tick'>): boolean =>
  renewWithin !== undefined && renewWithin < 3 * tick && tick <= minutes(1);

/** The policy of a provider with its default pace. */
export const policyOf = (
  provider: Pick<Provider, 'lifetime' | 'codeLifetime' | 'refreshAt' | 'renewWithin' | 'rateLimit'>,
): Policy => ({
  ...defaultPolicy,
  tick: tickOf(provider),
  ...(provider.refreshAt !== undefined && { refreshAt: provider.refreshAt }),
  ...(provider.renewWithin !== undefined && { renewWithin: provider.renewWithin }),
});

/** How often the watch runs: it looks for new, changed and deleted secrets, and judges all connections. */
export const WATCH_EVERY: Milliseconds = minutes(1);

/**
 * When a token is due for renewal: a fraction of its own lifetime, shifted slightly by the connection's name. `early`
 * if only a person can bring the connection back.
 */
export const renewalOf = (
  policy: Policy,
  connection: ConnectionId,
  issuedAt: EpochMs,
  expiresAt: EpochMs,
  early = false,
): EpochMs => {
  const life = expiresAt - issuedAt;
  const share = early ? Math.min(policy.refreshAt, policy.earlyRefreshAt) : policy.refreshAt;
  const fraction = share * (1 + policy.jitter * (2 * spread(connection, 'renewal') - 1));
  const earliest = possibleFrom(policy, life, spread(connection, 'renewal'));
  return plus(issuedAt, Math.min(life, Math.max(life * fraction, policy.floor, earliest)));
};

/**
 * When a provider that renews tokens only near their end does so, and a little later; `part` in [0, 1] of the jitter.
 */
const possibleFrom = ({ renewWithin, jitter }: Window, life: Milliseconds, part: number): Milliseconds =>
  renewWithin === undefined ? 0 : life - renewWithin * (1 - jitter * part);

type Window = Pick<Policy, 'renewWithin' | 'jitter'>;

/**
 * The pause after a transient failure: exponential with full jitter. At most a quarter of the valid token's remaining
 * life, which leaves at least three more chances before it expires. At least the provider's Retry-After and the
 * policy's floor: otherwise readers at the end of a token's life would multiply the calls. `random` in [0, 1).
 */
export const backoffOf = (
  policy: Policy,
  failure: { failures: number; now: EpochMs; expiresAt?: EpochMs | undefined; retryAfter?: Milliseconds | undefined },
  random: number,
): Milliseconds => {
  const { failures, now, expiresAt, retryAfter = 0 } = failure;
  const exponential = Math.min(policy.backoff.cap, policy.backoff.base * 2 ** Math.min(failures - 1, 30));
  const left = (expiresAt ?? now) - now;
  const ceiling = left > 0 ? Math.min(exponential, left / 4) : exponential;
  return Math.max(random * ceiling, policy.backoff.floor, Math.min(retryAfter, policy.retryAfterCap));
};

/**
 * The pause before a connection that needs attention is probed again: `first`, or the token lifetime if that is
 * shorter, doubling up to `cap`. The first probe comes before a second token would have expired.
 */
export const probeOf = (
  { probe }: Pick<Policy, 'probe'>,
  life: Milliseconds,
  now: EpochMs,
  attentionSince: EpochMs,
): Milliseconds => Math.min(probe.cap, Math.min(probe.first, life) + Math.max(0, now - attentionSince));

/**
 * The longest pause after a rejection that stands and names no reason, once no token is valid: the time it has lasted
 * so far, up to half of a token's lifetime. The pause at most doubles the outage that a firewall causes.
 */
export const rejectedPauseOf = (
  { probe }: Pick<Policy, 'probe'>,
  life: Milliseconds,
  now: EpochMs,
  since: EpochMs,
): Milliseconds => Math.min(probe.unnamed, life / 2, Math.max(0, now - since));

/**
 * When a refresh token that may be spent is sent again: near the end of the published token, because a provider that
 * detects the reuse may revoke that token.
 */
export const replayOf = (
  { tick }: Pick<Policy, 'tick'>,
  { issuedAt, expiresAt }: { readonly issuedAt: EpochMs; readonly expiresAt: EpochMs },
): EpochMs => plus(expiresAt, -Math.max((expiresAt - issuedAt) / 10, 2 * tick));

/**
 * The time that a token of this lifetime always has left if the schedule works: it is due at the latest after
 * `refreshAt` and the whole jitter, and a tick may pass until it is renewed. A reader who wants more does not cause a
 * refresh; otherwise reads would turn into calls of the provider.
 */
export const promised = ({ refreshAt, jitter, floor, tick, ...window }: Promised, life: Milliseconds): Milliseconds => {
  const latest = Math.max(life * refreshAt * (1 + jitter), floor, possibleFrom({ ...window, jitter }, life, 1));
  return Math.max(0, life - latest - tick);
};

type Promised = Pick<Policy, 'refreshAt' | 'jitter' | 'floor' | 'tick' | 'renewWithin'>;

/** Whether a token is valid and has `minTtl` left, or as much as can be promised. */
export const isEnough = (
  policy: Promised,
  { issuedAt, expiresAt }: { readonly issuedAt: EpochMs; readonly expiresAt: EpochMs },
  minTtl: Milliseconds,
  now: EpochMs,
): boolean => expiresAt > now && expiresAt - now >= Math.min(minTtl, promised(policy, expiresAt - issuedAt));
