import { type Mutant, mutantsOf } from './mutant.ts';

const tests = ['test/core', 'test/shell', 'test/traps.test.ts'];

export const answers: readonly Mutant[] = [
  ...mutantsOf('lib/core/interpret.ts', tests, [
    ['an empty token is a token', "if (accessToken === '') return", 'if (false) return'],
    ['a redirect is a refusal', 'if (status >= 300 && status < 400) return', 'if (false) return'],
    ['an error inside a 200 is overlooked', 'ok && body && (body.error ?? undefined) === undefined', 'ok && body'],
    ['too many requests are a refusal', 'if (status === 429)', 'if (false)'],
    [
      'temporarily_unavailable is a verdict',
      "if (named === 'temporarily_unavailable' || named === 'server_error')",
      'if (false)',
    ],
    ['an error code is no verdict', "if (named) return { kind: 'refused', code: named, status };", ''],
    ['a 200 without sense is a refusal', "if (ok) return { kind: 'unknown', code: 'malformed_answer', status };", ''],
    ['503 may have spent the refresh token', 'if (status === 503) return', 'if (false) return'],
    [
      'a broken gateway spent nothing',
      "if (status >= 500 || status < 200) return { kind: 'unknown'",
      "if (status >= 500 || status < 200) return { kind: 'retry'",
    ],
    ['a refused session is a refused login', "if (exchange.grant === 'refresh') return", 'if (false) return'],
    ['401 is no verdict', 'if (status === 401 || status === 403) return', 'if (false) return'],
    ['nobody ever looks after a wrong path', ', patience: PATIENCE }', ' }'],
    [
      'a token that must not be used is used',
      "if (typeof usage === 'string') return { kind: 'refused', code: usage, ...status };",
      '',
    ],
    [
      'an empty refresh token is kept',
      "typeof refreshToken === 'string' && refreshToken !== ''",
      "typeof refreshToken === 'string'",
    ],
    [
      'a Retry-After date is not understood',
      '/^\\d+$/.test(text) ? seconds(Number(text)) : epochMs(Date.parse(text)) - sentAt',
      'seconds(Number(text))',
    ],
  ]),
  ...mutantsOf('lib/core/settle.ts', tests, [
    [
      'a session at its wall is kept',
      "if (grant.kind === 'refresh' && !grant.only && !lengthens",
      'if (false && !lengthens',
    ],
    ['a login at the wall loses its session', "if (grant.kind === 'refresh' && !grant.only", 'if (!grant.only'],
    ['the only session ends at its wall', "grant.kind === 'refresh' && !grant.only &&", "grant.kind === 'refresh' &&"],
    ['failures are never forgotten', 'failures: 0,\n  issuedAt', 'failures: seen.failures,\n  issuedAt'],
    ['failures are not counted', 'const failures = seen.failures + 1', 'const failures = 1'],
    ['patience has no end', 'seen.lastError.times + 1 : 1', '1 : 1'],
    ['failing since just now, always', 'failingSince: seen.failingSince ?? now', 'failingSince: now'],
    [
      'attention since just now, always',
      'const attentionSince = seen.attentionSince ?? now',
      'const attentionSince = now',
    ],
    ['a refusal is retried like a failure', "if (trouble.kind === 'refused' || outOfPatience) {", 'if (false) {'],
    ['a locked-out login is probed', 'lockedOut(provider, trouble.code) ? NEVER :', 'false ? NEVER :'],
    ['no login is ever probed', 'provider.locksOut && loginRefused.has(code)', 'loginRefused.has(code)'],
    [
      'a probe without a verdict forgets the verdict',
      "if (seen.status === 'attention' && sameCredentials) {",
      'if (false) {',
    ],
    [
      'new credentials inherit the verdict',
      "if (seen.status === 'attention' && sameCredentials) {",
      "if (seen.status === 'attention') {",
    ],
    [
      'a locked-out login is probed after all',
      'const dueAt = seen.dueAt === NEVER ? NEVER :',
      'const dueAt = false ? NEVER :',
    ],
    [
      'postponed means recovered',
      'status: seen.status,\n  failures: seen.failures',
      "status: 'healthy',\n  failures: 0",
    ],
    ['postponed takes the place of why a person is needed', "...(seen.status !== 'attention' && {", '...({'],
    ['postponed forgets why', "...pick(seen, 'failingSince', 'lastError', 'attentionSince'),", ''],
    ['a run that could not ask forgets the dead worker', "...(used.calls === 0 ? (['leaseUntil'] as const) : []),", ''],
    ['a spent code is not remembered', "  ...pick(used, 'redeemedCode'),", ''],
    [
      'a redeemed code is not remembered',
      '...(used.account.oneTimeCode !== undefined && { redeemedCode: fingerprint(used.account.oneTimeCode) }),',
      '',
    ],
    [
      'what was answered is not remembered',
      '...(seen.secretVersion !== undefined && { answeredVersion: seen.secretVersion }),',
      '',
    ],
    [
      'what was tried is not remembered',
      '...(used.secretVersion !== undefined && tried(seen, used.secretVersion)),',
      '',
    ],
    ['a failure forgets the living token', "'issuedAt',\n    'expiresAt',", ''],
    ['a wrong password may be repeated', "  'access_refused',\n]);", ']);'],
  ]),
  ...mutantsOf('lib/core/secret.ts', tests, [
    ['prototypes hold connections', 'Object.hasOwn(connections, key)', 'true'],
    ['shared fields are not shared', '{ ...shared, ...own }', 'own'],
  ]),
];
