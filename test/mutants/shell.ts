import { type Mutant, mutantsOf } from './mutant.ts';

const tests = ['test/shell', 'test/core', 'test/traps.test.ts'];

export const shell: readonly Mutant[] = [
  ...mutantsOf('lib/shell/refresh.ts', tests, [
    [
      'the list is believed where the claim knows better',
      '...content } = claimed;',
      '...content } = { ...listed, version: claimed.version };',
    ],
    [
      'who lost the session publishes',
      'if (kept === false) return this.#outrun(told);\n\n    const published',
      'const published',
    ],
    ['who lost the publication settles', 'if (published === false) return this.#outrun(told);', ''],
    ['who lost the settlement says refreshed', 'if (settled === false) return this.#outrun(told);', ''],
    [
      'a token is withdrawn on hearsay',
      "now !== 'failed' && (now === undefined",
      "(now === 'failed' || now === undefined",
    ],
    ['an abandoned lease is overlooked', 'dueAt, ...(leaseUntil !== undefined && { leaseUntil }) };', 'dueAt };'],
    ['a store that fails is an exception', "write.catch(() => 'failed' as const)", 'write'],
    ['the lease is over at once', 'plus(startedAt, deps.policy.lease)', 'startedAt'],
  ]),
  ...mutantsOf('lib/shell/obtain.ts', tests, [
    ['a new code that is refused ends the session of the old one', "return last.kind === 'refused' ?", 'return true ?'],
    [
      'a session is tried again in the run that refused it',
      "|| choice.grant === 'refresh' || verdict.kind",
      '|| verdict.kind',
    ],
    [
      'a session is tried although the code got no verdict',
      "if (verdict.trouble.kind !== 'refused') return verdict;",
      '',
    ],
    ['a refusal is not re-read', "if (outcome.kind !== 'refused' && outcome.kind !== 'rejected') {", 'if (true) {'],
    ['a verdict although nothing could be re-read', "run.failed({ ...outcome, kind: 'retry' }", 'run.failed(outcome'],
    ['a note in the secret is a change of credentials', 'if (!isDue && tried', 'if (false && tried'],
    [
      'a refresh token in doubt is sent again',
      'if (choice.only && held?.mayBeSpent && isWorthKeeping(run)) return',
      'if (false) return',
    ],
    ['a refused token waits for its end', "(cause === 'scheduled' || cause === 'asked') &&\n", ''],
    ['a code from before a restore is redeemed again', 'run.isCodeSpent(read, held)', 'false'],
    [
      'a login without a verdict keeps a refresh token that may be spent',
      'const dropSession =\n    (choice.grant',
      "const dropSession = outcome.kind !== 'retry' &&\n    (choice.grant",
    ],
    [
      'changed credentials are not tried',
      'if (reread.fingerprint === credentials.fingerprint) return stands(reread);',
      'return stands(reread);',
    ],
    ['a secret that an older worker remembers is taken for a newer one', 'latestVersion(seen)', 'seen.secretVersion'],
    ['a lost refresh answer is not made good by a login', " || kind === 'unknown')", ')'],
    ['a refused session is a verdict', "kind === 'refused' ||", ''],
    ['a one-time code is spent on a lost answer', '(!only && (kind', '(true && (kind'],
    [
      'the only session is refused, and nobody looks for a new code',
      "if (outcome.kind === 'refused' && choice.only && !choice.codeLeft)",
      'if (false)',
    ],
    ['a refused session stays', "outcome.kind !== 'rejected');\n};", 'false);\n};'],
    ['a rejected session is dropped', "outcome.kind !== 'rejected');\n};", 'true);\n};'],
    ['a replaced session stays', " || (isDropped && outcome.kind !== 'rejected')", ''],
    ['a rejected login costs the session', "(isDropped && outcome.kind !== 'rejected')", 'isDropped'],
    ['the only session is dropped for a code', "(choice.grant === 'refresh' || replaceable) &&", ''],
  ]),
  ...mutantsOf('lib/shell/run.ts', tests, [
    ['a call that the rate limit refused is lost', '!(await this.#slot(limitKey));', 'false;'],
    ['a slot in a pause is used', 'if (slot.ok && !paused)', 'if (slot.ok)'],
    ['a call begins when the time is over', 'if (left < USEFUL_TIME) return', 'if (false) return'],
    [
      'life counts from the answer',
      'return read({ ...exchange, sentAt }, reply);',
      'return read({ ...exchange, sentAt: this.#deps.clock.now() }, reply);',
    ],
    [
      'a code that the session outlived is tried for ever',
      'const redeemed = only ? { redeemedCode: fingerprint(oneTimeCode) } : {};',
      'const redeemed = {};',
    ],
    ['a session goes to whom it was not issued to', 'session.binding !== binding;', 'false;'],
    ['who forces has all of the limit', "cause === 'scheduled' && !fails", '!fails'],
    ['a bug after a grant keeps a refresh token that may be spent', 'this.#sent ??= refresh;', 'void refresh;'],
    ['the only copy is hung up on', 'if (asking.only) this.#until = this.#end;', ''],
    [
      'a lost answer leaves no doubt',
      "if (outcome.kind === 'unknown' && asked.grant === 'refresh' && asked.only) this.#doubt();",
      '',
    ],
    ['a restored session is unspent', 'const mayBeSpent = this.#isRestored || ', 'const mayBeSpent = '],
    ['what a dead worker stored is spent', 'wasAbandoned && version >= seen.version - 1', 'false'],
    ['what a dead worker held is unspent', '(wasAbandoned && !isLeft) || ', ''],
  ]),
  ...mutantsOf('lib/shell/end.ts', tests, [
    ['a worker that dies after the end leaves its session', '|| leaseUntil > now)', '|| false)'],
    [
      'what a late worker cannot end is not tried again',
      'await deps.connections.endLater(connection, deps.clock.now());',
      '',
    ],
    ['a revocation is tried for ever', 'since >= GIVE_UP_AFTER', 'false'],
    ['pauses between revocations do not grow', 'Math.max(minutes(1), since)', 'minutes(1)'],
    ['another secret waits for a day', '|| now - replacedAt >= GIVE_UP_REPLACED_AFTER', ''],
    ['the provider is hardly asked while another secret waits', 'record.replacedAt === undefined ?', 'true ?'],
    ['an ended session stays stored', 'if (done) await deps.sessions.forget(connection, version);', ''],
  ]),
  ...mutantsOf('lib/shell/discover.ts', tests, [
    [
      'another secret takes over the token of the one before',
      'if (record && another && record.endedAt === undefined) return this.#replace(record);',
      '',
    ],
    ['another secret is revived while something late is taken back', "another ? 'ended' : 'retired'", "'retired'"],
    ['a restored secret waits for its end', 'if (record && another && record', 'if (record?.retiredAt && record'],
    [
      'a version that could not be noted is another',
      'record?.secretVersion ?? record?.triedVersion',
      'record?.secretVersion',
    ],
    ['a key that waits for its end is removed', 'const over = isGone && endedAt', 'const over = endedAt'],
    ['a token stays readable while another secret waits', '!revived.has(connection),', 'false,'],
  ]),
  ...mutantsOf('lib/shell/inventory.ts', tests, [
    ['removed keys are not counted', 'added.slice(room)', 'added.slice(added.length)'],
    ['all keys cannot be replaced at once', 'RECORDS_PER_CONNECTION = 2', 'RECORDS_PER_CONNECTION = 1'],
    ['keys that had no room are forgotten', 'this.full.add(secret);', ''],
    ['a key that waits for its end is forgotten', '&& noted && !waits)', '&& noted)'],
    ['another secret with too many keys holds what the one before had', '? seen : noted);', '? noted : noted);'],
  ]),
  ...mutantsOf('lib/shell/credentials.ts', tests, [
    ['a changed secret is read from the cache', '(exists === undefined || held.version === exists)', 'true'],
    ['secrets are kept without bound', '16 * 1024 * 1024', 'Number.POSITIVE_INFINITY'],
    ['a session is not bound to its secret', '[arn, key', "['', key"],
    ['each reader of a secret reads it', 'if (underway) return underway;', ''],
    [
      'a secret of many passes for one',
      "if (isObject(json.connections)) return { ok: false, trouble: { kind: 'retry', code: 'secret_missing' } };",
      '',
    ],
  ]),
  ...mutantsOf('lib/shell/listing.ts', tests, [['all shards are listed at once', 'AT_ONCE = 2', 'AT_ONCE = 99']]),
  ...mutantsOf('lib/shell/rate-limiter.ts', tests, [
    ['a slot is booked while it passes', 'const from = plus(now, this.#latency);', 'const from = now;'],
    ['a pause is known only when the store knows it', '[this.#state, this.#paused]', '[this.#state]'],
  ]),
  ...mutantsOf('lib/shell/batches.ts', tests, [
    ['a slot is used late', 'this.#slots[0] < now - late)', 'this.#slots[0] < now - late - 12)'],
    ['each pause moves the next call away', 'this.#slots.filter(at => at >= until)', '[]'],
    ['more is booked than used', 'this.#passed ? Math.max(1, this.#taken) : this.#size * 2', 'this.#size * 2'],
  ]),
  ...mutantsOf('lib/shell/exhausted.ts', tests, [
    ['a tick waits for a limit of a minute', 'rateLimit.per < minutes(1)', 'true'],
  ]),
  ...mutantsOf('lib/shell/turns.ts', tests, [
    ['a group that hangs holds everyone up', 'if ((running.get(group) ?? 0) >= (its[group] ?? 0)) return false;', ''],
  ]),
  ...mutantsOf('lib/shell/sweep.ts', tests, [
    [
      'a limit that is used up for seconds ends the tick',
      'return refreshAll(passedOver);',
      'return passedOver.length;',
    ],
    ['slow hosts of secrets have all workers', 'Math.ceil((WORKERS * concurrency) / 2)', 'WORKERS * concurrency'],
    [
      'one limit that is used up ends the tick',
      'if (await exhausted.concerns(each))',
      'if (exhausted.next > clock.now())',
    ],
    ['one broken connection stops all', 'claimsFailed += 1;', 'throw error;'],
    ['everyone is refreshed each tick', ".filter(each => decideDue(each, now).action === 'refresh')", ''],
    ['attention counts as a dying token', "if (each.status !== 'attention') lowestLife", 'lowestLife'],
    [
      'a leased connection counts as overdue',
      'if (free) oldestOverdue',
      'oldestOverdue',
      'a claim makes it due when its lease ends; only one revived within the lease differs, for as long as that lasts',
    ],
  ]),
  ...mutantsOf(
    'lib/shell/transition.ts',
    ['test/observe', ...tests],
    [['told although nothing changed', 'if (from === to) return undefined;', '']],
  ),
];
