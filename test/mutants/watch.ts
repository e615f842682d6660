import { type Mutant, mutantsOf } from './mutant.ts';

export const watch: readonly Mutant[] = [
  ...mutantsOf(
    'infra/alarms.ts',
    ['test/infra/alarm-wiring.test.ts', 'test/simulation/simulation.test.ts'],
    [
      [
        'a watch that never ran is silent',
        "missingData: 'ignore',\n    },\n    overdue",
        "missingData: 'breaching',\n    },\n    overdue",
      ],
      [
        'a silent watch is no alarm',
        'threshold: 1,\n      // Before the first',
        'threshold: 0,\n      // Before the first',
      ],
      [
        'a dead scheduler is noticed late',
        "...inARow(5),\n      comparison: 'less than'",
        "...inARow(9),\n      comparison: 'less than'",
      ],
      [
        'attention is no alarm',
        "threshold: 1,\n      missingData: 'notBreaching',\n    },\n    'discovery-problems'",
        "threshold: 100,\n      missingData: 'notBreaching',\n    },\n    'discovery-problems'",
      ],
    ],
  ),
  ...mutantsOf(
    'lib/core/health.ts',
    ['test/core/health.test.ts', 'test/core/news.test.ts'],
    [
      ['attention counts as a token that runs low', "if (record.status === 'attention') continue;", ''],
      ['a new connection counts as one without a token', "if (record.status !== 'new') lowestLife", 'lowestLife'],
      ['a retired connection is judged', 'if (record.retiredAt !== undefined) continue;', ''],
      ['a leased connection is overdue', 'leaseUntil !== undefined && leaseUntil > now ? 0 : ', ''],
      ['a lease that has ended still counts', 'leaseUntil > now', 'leaseUntil > 0'],
      ['a token that expires soon waits like any other', 'expiresSoon ? Math.min(', 'false ? Math.min('],
      ['life is a share of the whole lifetime', 'expiresAt - renewalOf(', 'expiresAt - issuedAt + 0 * renewalOf('],
      ['a session that a login brings back expires', 'redeemedCode !== undefined && session', 'session'],
      ['a session that was extended expires', '!wasExtended ? session.endsAt', 'true ? session?.endsAt'],
    ],
  ),
  ...mutantsOf(
    'lib/core/news.ts',
    ['test/core/news.test.ts', 'test/discovery/watch.test.ts'],
    [
      [
        'what was reported is reported again',
        'filter(trouble => !known.includes(nameOf(trouble)))',
        'filter(() => true)',
      ],
      ['an expiry is published again with each mail', 'record.reported?.published', 'undefined'],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of the program.
      ['the second time a trouble begins is not reported', "${kind}${days ?? ''}@${at}", "${kind}${days ?? ''}"],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of the program.
      ['an expiry is reported once', "${days ?? ''}", ''],
      ['a storm is a mail each', "'singly' : 'summary'", "'singly' : 'singly'"],
      ['a storm is a summary a minute', 'isStorm ? recent.map', 'false ? recent.map'],
      ['a storm at one provider keeps the news of all', '!stormy.has(providerOf(record.connection))', '!isStorm'],
      [
        'an expiry is reported after each spell of attention',
        'expiring(record, now)];\n};\n\nconst tokenTroubles',
        '(stopped ? [] : expiring(record, now))];\n};\n\nconst tokenTroubles',
      ],
      ['a failure of a moment without a token is reported', 'now >= plus(failingSince, NEVER_HAD_ONE)', 'true'],
      ['a token that runs low is not reported', '...(isValid && isLow', '...(false'],
      [
        'a worker that dies after each claim is not reported',
        '(failingSince !== undefined || !late)',
        'failingSince !== undefined',
      ],
    ],
  ),
  ...mutantsOf(
    'lib/discovery/watch.ts',
    ['test/discovery/watch.test.ts'],
    [
      ['events that are not taken stop the mails', 'observer.newsFailed(error);\n    return all;', 'throw error;'],
      ['nothing is discovered', 'return discover(deps, records);', 'return undefined as never;'],
      ['health is judged after discovery', 'deps.observer.health(judge(all, deps.paces, deps.clock.now()));', ''],
      ['a mail is forgotten', '.then(() => pool(mail, CONCURRENCY, note));', ';'],
      ['a mail that is not taken stops the others', 'await reported.catch(observer.newsFailed);', 'await reported;'],
      ['a mail forgets the events', '...record.reported, at', 'at'],
      [
        'a note comes before its mail',
        'sendMail(mail, how, at).then(() => pool(mail, CONCURRENCY, note));',
        'pool(mail, CONCURRENCY, note).then(() => sendMail(mail, how, at));',
      ],
    ],
  ),
  ...mutantsOf(
    'lib/core/labels.ts',
    ['test/core/labels.test.ts'],
    [
      ['a day that does not exist is read as another', '.startsWith(value)', '.length > 0'],
      ['credentials expire at the beginning of their day', 'epochMs(day + DAY)', 'epochMs(day)'],
      ['tags hold line breaks', '/^[^\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]{1,100}$/u', '/^.{1,100}$/su'],
      ['there are any number of tags', ' && good.length <= TAGS', ''],
    ],
  ),
  ...mutantsOf(
    'lib/observe/mail.ts',
    ['test/observe/mail.test.ts'],
    [
      ['a subject is longer than the topic takes', 'connection.length <= room ?', 'true ?'],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of the program.
      ['a tag looks like a line of the mail', '`Tag ${name}', '`${name}'],
      ['a mail has no advice', 'adviceByCode[lastError.code]', 'undefined'],
      ['a mail does not name the fields', 'lastError.fields?.length ?', 'false ?'],
      ['a summary names all', 'news.slice(0, NAMED)', 'news'],
      ['a token that has expired is said to be valid', 'expiresAt > now ?', 'true ?'],
    ],
  ),
];
