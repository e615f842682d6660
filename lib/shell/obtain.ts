import { chooseGrant, latestVersion } from '../core/decide.ts';
import type { Failed } from '../core/interpret.ts';
import type { Provider } from '../core/provider.ts';
import { lockedOut } from '../core/settle.ts';
import type { Connection, SecretVersion, Session } from '../core/types.ts';
import type { Credentials } from './credentials.ts';
import type { Asking, Obtained, Run } from './run.ts';

const FULL = { grant: 'full', reason: 'no_session' } as const;

/**
 * Asks the provider for a token: the refresh grant or the full one, the full one after a refresh grant that was refused
 * or whose answer was lost, and the full one again if the secret turns out to have changed.
 */
export const obtain = async (run: Run): Promise<Obtained> => {
  const { deps, provider, seen } = run;
  const read = await deps.credentials.read(provider, seen.connection, latestVersion(seen));
  if (!read.ok) return run.failed(read.trouble, read.version, false);
  return wasRefused(provider, seen, read.version) ? judgedAgain(run, read.version) : ask(run, read);
};

/** A login with this version of the secret was refused, and one more may lock the account. */
const wasRefused = (provider: Provider, seen: Connection, version: SecretVersion): boolean =>
  seen.lastError !== undefined && lockedOut(provider, seen.lastError.code) && version === seen.triedVersion;

/** The verdict was not held against the secret as it is now, or it does not stand any more: no call without a new secret. */
const judgedAgain = async (run: Run, refused: SecretVersion): Promise<Obtained> => {
  const { deps, provider, seen } = run;
  const reread = await deps.credentials.again(provider, seen.connection);
  if (reread.ok && reread.version !== refused) return ask(run, reread);
  if (reread.version !== undefined && !reread.ok) return run.failed(reread.trouble, reread.version, false);
  const code = seen.lastError?.code ?? 'access_refused';
  return run.failed({ kind: reread.ok ? 'refused' : 'retry', code }, refused, false);
};

const ask = async (run: Run, read: Credentials): Promise<Obtained> => {
  const session = await run.loadSession(read).catch(() => 'unreadable' as const);
  if (session === 'unreadable') return run.failed({ kind: 'retry', code: 'store_failed' }, read.version, false);
  const choice = chooseGrant(run.seen, session, read, run.provider, run.deps.clock.now());
  if (choice.grant === 'none') {
    const outcome = { kind: 'refused', code: choice.code } as const;
    return judged(run, { outcome, credentials: read, asked: FULL, dropSession: false });
  }
  if (choice.grant === 'refresh') {
    const outcome = await run.attempt(read, choice);
    const refused = outcome.kind === 'refused';
    if (refused && choice.only && !choice.codeLeft) {
      return judged(run, { outcome, credentials: read, asked: choice, dropSession: false });
    }
    const fallBack = refused || (outcome.kind === 'unknown' && !choice.only);
    if (!fallBack) return run.concluded(outcome, read, choice, false);
  }
  return fullGrant(run, session, read, choice);
};

/** A refused session, or one whose answer was lost, is not tried again: the credentials bring back all it could give. */
const fullGrant = async (
  run: Run,
  session: Session | undefined,
  credentials: Credentials,
  choice: Asking,
): Promise<Obtained> => {
  const replaceable = credentials.account.oneTimeCode === undefined;
  const dropSession = choice.grant === 'refresh' || (choice.reason !== 'no_session' && replaceable);
  const outcome = await run.attempt(credentials, FULL);
  if (outcome.kind !== 'refused') return run.concluded(outcome, credentials, FULL, dropSession);
  const verdict = await judged(run, { outcome, credentials, asked: FULL, dropSession });
  if (replaceable || !session || choice.grant === 'refresh' || verdict.kind !== 'failed') return verdict;
  if (verdict.trouble.kind !== 'refused') return verdict;
  // A new one-time code is refused: what is left is the session of the old one.
  const left = { grant: 'refresh', refreshToken: session.refreshToken, only: true } as const;
  const last = await run.attempt(credentials, left);
  return last.kind === 'refused' ? { ...verdict, calls: run.calls } : run.concluded(last, credentials, left, false);
};

/**
 * No verdict before the secret was read again: it may be another by now. If it cannot be read, and a login may lock the
 * account, the next run judges first.
 */
const judged = async (
  run: Run,
  refusal: {
    readonly outcome: Failed;
    readonly credentials: Credentials;
    readonly asked: Asking;
    readonly dropSession: boolean;
  },
): Promise<Obtained> => {
  const { deps, provider, seen } = run;
  const { outcome, credentials, asked, dropSession } = refusal;
  const reread = await deps.credentials.again(provider, seen.connection);
  const stands = () => run.concluded(outcome, credentials, asked, dropSession);
  if (reread.version === credentials.version) return stands();
  if (reread.version === undefined) return run.failed({ ...outcome, kind: 'retry' }, credentials.version, dropSession);
  if (!reread.ok) return run.failed(reread.trouble, reread.version, dropSession);
  if (chooseGrant(seen, undefined, reread, provider, deps.clock.now()).grant === 'none') return stands();
  return run.concluded(await run.attempt(reread, FULL), reread, FULL, dropSession);
};
