import { type Mutant, mutantsOf } from './mutant.ts';

const tests = ['test/api', 'test/functions/handlers.test.ts'];

export const api: readonly Mutant[] = [
  ...mutantsOf('lib/api/route.ts', tests, [
    ['a body of any size is read', 'body.length <= LARGEST_BODY ?', 'true ?'],
    ['a moment may be written in any way', 'new Date(moment).toISOString() === value', 'true'],
    ['a cursor may be written in any way', 'id && cursorOf(id) === cursor ? id : undefined', 'id'],
    ['a number may be too large', 'number >= least && number <= most', 'number >= least'],
    ['a number may be too small', 'number >= least && number <= most', 'number <= most'],
    ['an unknown status is no filter', 'if (statuses?.includes(undefined)) {', 'if (false) {'],
  ]),
  ...mutantsOf('lib/api/list.ts', tests, [
    ['a page is larger than its limit', 'connections.length === limit || looked === LOOKED_AT', 'looked === LOOKED_AT'],
    [
      'a filter looks at everything',
      'connections.length === limit || looked === LOOKED_AT',
      'connections.length === limit',
    ],
    ['the retired are listed', 'each.retiredAt === undefined && ', ''],
    ['a status is no filter', '(statuses?.includes(view.status) ?? true)', 'true'],
    ['an unknown provider has no connections', 'provider !== undefined && !deployed.includes(provider)', 'false'],
    ['providers come in any order', 'toSorted((a, b) => (', 'toSorted((a, b) => (a < b ? -1 : 1) || ('],
    ['providers that are listed are queried again', 'continue;', ';', 'they answer nothing'],
    ['shards come in any order', 'b.connection < a.connection ? b : a', 'a'],
    ['a shard ends after its first page', 'this.#next = next;', 'this.#next = undefined;'],
    ['queries are as small as the limit', 'Math.max(SMALLEST_QUERY, ', 'Math.max(1, '],
  ]),
  ...mutantsOf('lib/api/token.ts', tests, [
    [
      'a token of too little life is served',
      'if (held && isKnown && isGood(held)) return found(deps, held);',
      'if (held) return found(deps, held);',
    ],
    ['an expired token is served', 'token && isValid(token, deps.clock.now())) return found', 'token) return found'],
    ['a refused token is served', "if (ask.kind === 'read' && token && isValid", 'if (token && isValid'],
    ['a refused token counts as new', 'token.version !== held.version && isValid', 'isValid'],
    [
      'a new token that expired is handed out',
      'token.version !== held.version && isValid(token, deps.clock.now())',
      'token.version !== held.version',
    ],
    ['any refused token is replaced', 'held.issuedAt === issuedAt && isValid', 'isValid'],
    [
      'an expired token is replaced as a refused one',
      'held.issuedAt === issuedAt && isValid(held, deps.clock.now())',
      'held.issuedAt === issuedAt',
    ],
    ['a token in its last second is served', 'held.expiresAt - now > LAST_MOMENT', 'held.expiresAt > now'],
    [
      'a valid token is waited out',
      'Math.min(now + SHORT_PATIENCE, valid.expiresAt - LAST_MOMENT)',
      'now + SHORT_PATIENCE',
    ],
    [
      'who has a valid token waits as long as who has none',
      'Math.min(now + SHORT_PATIENCE, valid',
      'Math.min(now + PATIENCE, valid',
    ],
    ['who has a valid token waits for others', "reason === 'leased' && ask.waits;", "reason === 'leased';"],
    ['who has a valid token takes a place of those who wait', 'waits: valid === undefined', 'waits: true'],
    [
      'who has a valid token asks about a lease',
      "(decision.reason === 'leased' && ask.waits)",
      "decision.reason === 'leased'",
    ],
    ['nobody waits for another’s refresh', 'if (waits) await settled(deps, connection, until);', ''],
    ['who waited for a dead worker goes without', 'round <= 2', 'round <= 1'],
    [
      'a name that nobody has is asked for',
      'if (!record) return token ? asked(deps, ask, until) :',
      'if (!record) return true ? asked(deps, ask, until) :',
    ],
    ['a token without a record is served', 'held && isKnown && isGood(held)', 'held && isGood(held)'],
    ['a record that cannot be read costs its token', "() => 'known',", "() => 'unknown',"],
    ['a connection that has ended is served', "? 'known' : 'ended'", "? 'known' : 'known'"],
    [
      'a token whose record somebody deleted is nobody’s',
      'if (!record) return token ? asked(deps, ask, until) :',
      'if (!record) return',
    ],
    [
      'a connection that backs off is asked for',
      "decision.action === 'refresh' ||",
      "decision.reason !== 'retired' ||",
    ],
    [
      'too many refreshes are a failure',
      "if (reason === 'forced_recently' || reason === 'too_early') return",
      'if (false) return',
    ],
    ['who may not wait is not sent away', "busy = reason === 'busy';", ''],
    [
      'who has a valid token is sent away',
      '    busy = reason ===',
      "    if (reason === 'busy') return inProgress(connection);\n    busy = reason ===",
    ],
    ['a refresher that cannot be reached fails the read', 'deps.askFailed(error);\n', 'throw error;\n'],
    ['a slow refresher is waited for', 'Promise.race([deps.ask(ask), late])', 'deps.ask(ask)'],
    ['a lease that is over is waited for', ' || record.leaseUntil <= clock.now()', ''],
    ['a worker that never ends is waited for', 'while (clock.now() < until) {', 'while (true) {'],
  ]),
  ...mutantsOf('lib/api/unavailable.ts', tests, [
    ['a retired connection is told of', 'if (!record || record.retiredAt !== undefined) return', 'if (!record) return'],
    ['readers come back at once', 'Math.max(1, Math.ceil', 'Math.max(0, 0 * Math.ceil'],
    ['readers come back never', 'Math.min(3600, ', 'Math.max(0, '],
  ]),
  ...mutantsOf('lib/api/serve.ts', tests, [
    ['providers that are not deployed are asked', 'if (!policy) return', 'if (false) return'],
  ]),
  ...mutantsOf(
    'lib/refresh/demand.ts',
    ['test/refresh/demand.test.ts', 'test/refresh/only-copy.test.ts', 'test/api'],
    [
      ['a run on demand is not observed', 'deps.observer.refresh(isMissing', 'void (isMissing'],
      ['a missing token is nobody’s business', 'isMissing(connection, published) ?', 'false ?'],
      ['an operator is not warned', "ask.kind === 'operator' && warning", 'false && warning'],
      ['an operator is not warned of what may end the token', 'report.replayed ?', 'false ?'],
      [
        'who is not there is an exception',
        'if (!connection) return withoutRecord(deps, ask);',
        'if (!connection) throw new Error();',
      ],
      ['a secret that is there is not looked for', '(await deps.credentials.isGone({ connection }))', 'true'],
      ['who has to wait is not told how long', '    ...(until !== undefined && { until }),\n', ''],
      ['who was refused is not told until when', '...(dueAt !== undefined && { until: dueAt })', ''],
      ['who lost a claim is sent away', 'look <= 2', 'look <= 1'],
      ['any number wait for one run', 'WAITERS))', '1000))'],
      ['who has a valid token waits too', ' || !ask.waits ||', ' ||'],
      ['a retired connection is known', "if (reason === 'retired') return { result: 'retired' };", ''],
    ],
  ),
];
