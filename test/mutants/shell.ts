import { type Mutant, mutantsOf } from './mutant.ts';

const tests = ['test/shell', 'test/core', 'test/traps.test.ts'];

export const shell: readonly Mutant[] = [
  ...mutantsOf('lib/shell/refresh.ts', tests, [
    [
      'the list is believed where the claim knows better',
      '...content } = claimed;',
      '...content } = { ...listed, version: claimed.version };',
    ],
    ['who lost the session publishes', 'if (kept === false) return this.#outrun(told);', ''],
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
    [
      'a refusal is not re-read',
      "if (outcome.kind !== 'refused') return run.concluded(outcome, credentials, FULL",
      'return run.concluded(outcome, credentials, FULL',
    ],
    ['a verdict although nothing could be re-read', "run.failed({ ...outcome, kind: 'retry' }", 'run.failed(outcome'],
    [
      'changed credentials are not tried',
      'if (reread.version === credentials.version) return stands();',
      'return stands();',
    ],
    ['a secret that an older worker remembers is taken for a newer one', 'latestVersion(seen)', 'seen.secretVersion'],
    ['a locking login is repeated after a failed re-read', 'reread.ok && reread.version !== refused', 'reread.ok'],
    [
      'a lost refresh answer is not made good by a login',
      "refused || (outcome.kind === 'unknown' && !choice.only)",
      'refused',
    ],
    [
      'a refused session is a verdict',
      "refused || (outcome.kind === 'unknown' && !choice.only)",
      "outcome.kind === 'unknown' && !choice.only",
    ],
    [
      'a one-time code is spent on a lost answer',
      "(outcome.kind === 'unknown' && !choice.only)",
      "outcome.kind === 'unknown'",
    ],
    [
      'the only session is refused, and nobody looks for a new code',
      'if (refused && choice.only && !choice.codeLeft)',
      'if (false)',
    ],
    ['a refused session stays', "const dropSession = choice.grant === 'refresh' ||", 'const dropSession ='],
    ['a replaced session stays', " || (choice.reason !== 'no_session' && replaceable);", ';'],
    ['the only session is dropped for a code', ' && replaceable);', ');'],
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
    ['a bug after a grant keeps a refresh token that may be spent', 'this.#inDoubt ||= inDoubt;', 'void inDoubt;'],
  ]),
  ...mutantsOf('lib/shell/end.ts', tests, [
    ['a worker that dies after the end leaves its session', '|| leaseUntil > now)', '|| false)'],
    ['a revocation is tried for ever', 'now - endingAt >= GIVE_UP_AFTER', 'false'],
    ['pauses between revocations do not grow', 'Math.max(minutes(1), now - endingAt)', 'minutes(1)'],
    ['another secret waits for a day', '|| now - replacedAt >= GIVE_UP_REPLACED_AFTER', ''],
    ['the provider is hardly asked while another secret waits', ' || replacedAt !== undefined\n', '\n'],
    [
      'a retirement withdraws only up to the listed version',
      'const { version, endingAt = now, replacedAt = now, leaseUntil = now } = record;',
      'const { endingAt = now, replacedAt = now, leaseUntil = now } = record;\n  const { version } = listed;',
    ],
    [
      'a secret that is back is ended',
      "if (!record) return 'back';\n",
      'if (!record) return endAtProvider(deps, provider, connection, listed.version).then(() => "later" as const);\n',
    ],
    [
      'a worker destroys what a record that was deleted by hand had',
      'if (deps.clock.now() - late.startedAt < RETIRED_FOR) return;',
      '',
    ],
    ['another secret waits for the grace period', 'replacedAt ?? (retiredAt', '(retiredAt'],
    [
      'a secret that will not come back is looked for',
      'replacedAt === undefined && endingAt === undefined',
      'endingAt === undefined',
    ],
    ['a secret is looked for after the end has begun', 'endingAt === undefined && endedAt', 'endedAt'],
    ['an ended session stays stored', 'if (done) await deps.sessions.forget(connection, version);', ''],
  ]),
  ...mutantsOf('lib/shell/discover.ts', tests, [
    [
      'another secret takes over the token of the one before',
      'if (another && record.endedAt === undefined) return this.#replace(record);',
      '',
    ],
    ['another secret is revived while something late is taken back', "another ? 'ended' : 'retired'", "'retired'"],
    ['a restored secret waits for its end', 'if (another && record.endedAt', 'if (record.retiredAt && record.endedAt'],
    ['a key that waits for its end is removed', 'if (!isGone || this.#now', 'if (this.#now'],
    ['a record goes while a late writer may run', '|| this.#now < plus(retiredAt, RETIRED_FOR)) return;', ') return;'],
    ['a number that was not noted is never noted', ' && record.secretKeys === note.secretKeys) return;', ') return;'],
    [
      'what is known is noted at each discovery',
      'if (!changed && record.secretKeys',
      'if (record.secretKeys < 0 && record.secretKeys',
    ],
    [
      'a key of a secret that was replaced has a grace period',
      "if (fate(record) === 'replaced') return this.#replace(record);",
      '',
    ],
    [
      'the grace period begins before the secret was looked for',
      'retire(connection, clock.now())',
      'retire(connection, this.#now)',
    ],
    ['discovery withdraws at once', 'if (now < plus(endsAt(record) ?? now, END_WITHIN)) return;', ''],
    [
      'discovery withdraws, and who comes back believes that there is a token',
      'endingAt === undefined ? await connections.beginEnd(connection, { at: now, dueAt: now }) : record',
      'record',
    ],
    ['discovery hurries the revocations', 'endingAt === undefined ? await', 'true ? await'],
    ['discovery puts off the end', '{ at: now, dueAt: now }', '{ at: now, dueAt: plus(now, minutes(1)) }'],
    [
      'a list that lags lets a grace period pass',
      'await pool(inventory.unlisted(listings), CONCURRENCY, secret => inventory.lookAgain(secret));',
      '',
    ],
    ['a token stays readable while another secret waits', '!revived.has(connection),', 'false,'],
  ]),
  ...mutantsOf('lib/shell/inventory.ts', tests, [
    ['removed keys are not counted', 'added.slice(room)', 'added.slice(added.length)'],
    ['all keys cannot be replaced at once', 'RECORDS_PER_CONNECTION = 2', 'RECORDS_PER_CONNECTION = 1'],
    ['what one record notes is known of all', 'own.every(noted)', 'own.some(noted)'],
    [
      'keys that no record notes are forgotten',
      'secretVersion === version && secretKeys === own.length;',
      'secretVersion === version;',
    ],
    ['a key that is back is not looked for', ' && !all.some(isInGrace)) {', ') {'],
    ['a secret that cannot be understood is known', 'secretKeys: 0 });\n    }', 'secretKeys: ids.length });\n    }'],
    [
      'a deleted secret is a problem while it may come back',
      'if (parsed) await this.#open(name, parsed, active(this.#bySecret.get(secret) ?? []));',
      'if (parsed) await this.look({ name });',
    ],
    [
      'another secret with too many keys holds what the one before had',
      'another ? { secretVersion: seen, secretKeys: 0 } : undefined',
      'undefined',
    ],
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
