import { type Mutant, mutantsOf } from './mutant.ts';

/** Guards of the protocol, taken away one at a time: the simulator has to notice each. */
export const mutants: readonly Mutant[] = [
  ...mutantsOf('lib/core/decide.ts', [
    ['changed credentials wait', 'if (credentialsChanged(connection)) return', 'if (false) return'],
    ['an operator waits like a reader', 'return unavailable(connection, now) ??', 'return resting(connection) ??'],
    [
      'an abandoned lease is not a reason to log in',
      "if (held.mayBeSpent) return { grant: 'login', reason: 'abandoned' };",
      '',
    ],
    ['a session is used up to its wall', 'if (!lengthens(before, reach, life)) return', 'if (false) return'],
    ['the end of a session bounds nothing', 'session.endsAt ?? Number.POSITIVE_INFINITY', 'Number.POSITIVE_INFINITY'],
    ['renewals may add ever less (Zeno)', 'reach - before.expiresAt >= life / 10', 'reach - before.expiresAt >= 0'],
    ['a redeemed code is redeemed again', 'fingerprint(account.oneTimeCode) === before.redeemedCode', 'false'],
  ]),
  ...mutantsOf('lib/core/interpret.ts', [
    ['too many requests are a refusal', 'if (status === 429)', 'if (false)'],
    ['an error code is not a verdict', "if (named) return { kind: 'refused', code: named, status };", ''],
    ['a 200 without a token is a refusal', "if (ok) return { kind: 'unknown', code: 'malformed_answer', status };", ''],
    ['an empty refresh token is kept', "...(held !== '' && { refreshToken: held }),", 'refreshToken: held,'],
  ]),
  ...mutantsOf('lib/core/lifetime.ts', [
    ['milliseconds are taken for seconds', 'inMilliseconds && !guessed ? given : seconds(given)', 'seconds(given)'],
  ]),
  ...mutantsOf('lib/core/login.ts', [
    ['a wrong password is tried again', 'until ?? Number.POSITIVE_INFINITY', 'until ?? 0'],
    ['a new password is held back too', 'refused.find(each => each.fingerprint === fingerprint)', 'refused[0]'],
    [
      'a try that nobody stored is a verdict',
      "{ kind: 'rejected', code: UNDERWAY }",
      "{ kind: 'refused', code: 'invalid_grant' }",
    ],
    ['a try that nobody stored is a rejection', 'if (code === UNDERWAY) return', 'if (false) return'],
  ]),
  ...mutantsOf('lib/core/policy.ts', [
    ['the backoff has no cap', 'Math.min(policy.backoff.cap, policy.backoff.base', 'Math.max(0, policy.backoff.base'],
    [
      'long tokens are polled too rarely',
      'Math.min(minutes(5), Math.max(minutes(1), whole))',
      'Math.max(minutes(1), whole)',
    ],
    ['the lease is shorter than the deadlines', 'lease: seconds(45)', 'lease: seconds(5)'],
    ['a run outlasts its lease', 'runDeadline: seconds(20)', 'runDeadline: seconds(90)'],
  ]),
  ...mutantsOf('lib/core/settle.ts', [
    ['failures are never forgotten', 'failures: 0,\n  issuedAt', 'failures: seen.failures,\n  issuedAt'],
    ['a lost answer of the only copy is like any other', 'if (again !== undefined) {', 'if (false) {'],
    [
      'new credentials inherit the verdict',
      "if (before.status === 'attention' && sameCredentials) {",
      "if (before.status === 'attention') {",
    ],
    ['the credentials of the last run are forgotten', '...(used.tried && noted(before, used.tried)),', ''],
    [
      'a version that was settled holds the same credentials',
      'used.tried.fingerprint === before.credentials;',
      'used.tried.fingerprint === before.credentials || used.tried.version === before.settledVersion;',
    ],
    ['a refreshed session loses its end', '    ...(sessionEndsAt !== undefined && { endsAt: sessionEndsAt }),\n', ''],
  ]),
  ...mutantsOf('lib/discovery/inventory.ts', [
    ['a secret is known if one of its records notes it', 'own.every(noted)', 'own.some(noted)'],
  ]),
  ...mutantsOf('lib/discovery/watch.ts', [
    ['nothing is discovered', 'return discover(deps, records);', 'return undefined as never;'],
    ['health is judged after discovery', 'deps.observer.health(judge(all, deps.paces, deps.clock.now()));', ''],
  ]),
  ...mutantsOf('lib/refresh/calls.ts', [
    ['a bug after a grant keeps a refresh token that may be spent', 'this.sent ??= sent;', 'void refresh;'],
  ]),
  ...mutantsOf('lib/refresh/commit.ts', [
    [
      'a login without a session loses the session of a code',
      '!session && run.found.isForeign',
      'noteOf(session, version)',
    ],
  ]),
  ...mutantsOf('lib/refresh/credentials.ts', [
    ['a changed secret is read from the cache', '(exists === undefined || held.version === exists)', 'true'],
  ]),
  ...mutantsOf('lib/refresh/logins.ts', [
    ['a login is sent that could not be noted', 'if (!(await store.note(', 'if ((await store.note('],
    ['an operator is held back', 'if (held && !how.insists)', 'if (held)'],
  ]),
  ...mutantsOf('lib/refresh/run.ts', [
    [
      'a refresh token in doubt is sent again',
      'if (irreplaceable && this.found.held?.mayBeSpent && this.#isTokenWorthKeeping()) {',
      'if (false) {',
    ],
    ['changed credentials are not tried', 'if (reread.fingerprint === credentials.fingerprint) {', 'if (true) {'],
    ['a refused session is a verdict', "kind === 'refused' ||", ''],
    [
      'every refresh of an only copy may end its token',
      'this.#calls.sent?.irreplaceable === true && this.found.note?.inDoubt === true',
      'refresh?.only',
    ],
    [
      'a login that gets 503 keeps a session that may be spent',
      'const forgetSession =\n',
      "const forgetSession = outcome.kind !== 'retry' &&\n",
    ],
  ]),
  ...mutantsOf('lib/refresh/session.ts', [
    ['a session goes to whom it was not issued to', 'session.binding !== binding;', 'false;'],
    ['a restored session is unspent', 'return isOlderThanToken(before, version, published) || ', 'const mayBeSpent = '],
    [
      'a code is redeemed again although its session is stored',
      'version > (before.session?.version ?? 0)',
      'wasAbandoned && isUnspent',
    ],
  ]),
  ...mutantsOf('lib/refresh/sweep.ts', [
    ['every connection is refreshed in each tick', ".filter(each => decideDue(each, now).action === 'refresh')", ''],
  ]),
];
