import { type Mutant, mutantsOf } from './mutant.ts';

const tests = ['test/contract/embedded.test.ts', 'test/aws'];

export const stores: readonly Mutant[] = [
  ...mutantsOf('lib/aws/connection-table.ts', tests, [
    ['two claims of one version', '#version = :seenVersion AND #dueAt = :seenDueAt', '#dueAt = :seenDueAt'],
    ['a claim of what an operator moved', '#version = :seenVersion AND #dueAt = :seenDueAt', '#version = :seenVersion'],
    [
      'a retired connection is claimed',
      '#dueAt = :seenDueAt AND attribute_not_exists(#retiredAt)',
      '#dueAt = :seenDueAt',
    ],
    ['someone else’s claim is mine', 'item?.claimId?.S === id && item.version', 'item?.version'],
    [
      'an older claim is mine',
      'item?.claimId?.S === id && item.version?.N === String(mine)',
      'item?.claimId?.S === id',
      'the id of a claim is used once: where it is mine, so is the version',
    ],
    [
      'a claim whose answer was lost is lost',
      'answer ? answer.Attributes : await readItem(seen.connection)',
      'answer?.Attributes',
    ],
    [
      'settle is not fenced',
      "condition: '#version = :mine AND attribute_not_exists(#retiredAt)',\n          values: { ...settlementValues(settlement), mine }",
      "condition: 'attribute_not_exists(#retiredAt)',\n          values: settlementValues(settlement)",
    ],
    [
      'settle brings a retired connection back',
      "'#version = :mine AND attribute_not_exists(#retiredAt)',\n          values: { ...settlementValues(settlement), mine },",
      "'#version = :mine',\n          values: { ...settlementValues(settlement), mine },",
    ],
    [
      'a second discovery resets the first',
      "...expressed({ ConditionExpression: 'attribute_not_exists(#connection)' }, {}),",
      '',
    ],
    [
      'a retirement moves',
      "'attribute_exists(#connection) AND attribute_not_exists(#retiredAt)'",
      "'attribute_exists(#connection)'",
    ],
    [
      'a retirement makes a record',
      "'attribute_exists(#connection) AND attribute_not_exists(#retiredAt)'",
      "'attribute_not_exists(#retiredAt)'",
    ],
    [
      'a connection that came back is removed',
      "'attribute_exists(#retiredAt) AND #version = :last' }, { last }",
      "'#version = :last' }, { last }",
    ],
    [
      'a connection that came back and went again is removed',
      "'attribute_exists(#retiredAt) AND #version = :last' }, { last }",
      "'attribute_exists(#retiredAt)' }, {}",
    ],
    ['a retirement has no grace period', 'dueAt: plus(at, GRACE)', 'dueAt: at'],
    [
      'an end begins in a grace period',
      "'attribute_exists(#retiredAt) AND (attribute_exists(#endingAt) OR #dueAt <= :at)'",
      "'attribute_exists(#retiredAt) AND :at = :at'",
    ],
    ['an end that has begun is not gone on with', '(attribute_exists(#endingAt) OR #dueAt <= :at)', '#dueAt <= :at'],
    [
      'what is not retired is ended',
      "'attribute_exists(#retiredAt) AND (attribute_exists(#endingAt) OR #dueAt",
      "'(attribute_exists(#endingAt) OR #dueAt",
    ],
    ['each try begins the end', 'if_not_exists(#endingAt, :at)', ':at'],
    ['what was ended stays ended', ':at) REMOVE #endedAt', ':at)'],
    [
      'the end of one retirement passes for that of the next',
      "condition: 'attribute_exists(#retiredAt) AND #version = :last',",
      "condition: 'attribute_exists(#retiredAt) AND :last = :last',",
    ],
    ['a revival forgets what there is', "if (from === 'retired') {", 'if (from === undefined) {'],
    [
      'a revival keeps what nobody may use again',
      ' AND attribute_not_exists(#endingAt) AND attribute_not_exists(#endedAt)',
      '',
    ],
    [
      'a revival after the end has begun waits for ever',
      "(attribute_exists(#endingAt) OR attribute_exists(#endedAt))';",
      "attribute_exists(#endedAt)';",
    ],
    ['a revival leaves the version', '#version = #version + :one', '#version = #version + :one - :one'],
    [
      'a note lacks the number of keys',
      "update: 'SET #secretVersion = :secretVersion, #secretKeys = :secretKeys, #labels = :labels',",
      "update: 'SET #secretVersion = :secretVersion, #labels = :labels',",
    ],
    ['a list reads whole records', ', ProjectionExpression: projectionOf(listedFields)', ''],
    ['a list reads large pages', '{ client, pageSize: PAGE }', '{ client }'],
    ['one broken record hides a shard', 'onBroken(thrown);\n', 'throw thrown;\n'],
    [
      'records are read as they were',
      'Key: connectionKey(connection), ConsistentRead: true',
      'Key: connectionKey(connection)',
    ],
  ]),
  ...mutantsOf('lib/aws/token-table.ts', tests, [
    [
      'an older token replaces a newer one',
      "'attribute_not_exists(#connection) OR #version < :version'",
      "'attribute_not_exists(#connection) OR :version = :version'",
    ],
    ['a token is published twice', 'OR #version < :version', 'OR #version <= :version'],
    [
      'a publication whose answer was lost is lost',
      'return there?.version === token.version && there.accessToken === token.accessToken;',
      'return false;',
    ],
    [
      'another’s publication is mine',
      'there?.version === token.version && there.accessToken === token.accessToken',
      'there?.version === token.version',
    ],
    ['a newer token is withdrawn', "...expressed({ ConditionExpression: '#version <= :upTo' }, { upTo }),", ''],
    [
      'tokens are read as they were',
      'Key: toItem({ connection }), ConsistentRead: true',
      'Key: toItem({ connection })',
    ],
  ]),
  ...mutantsOf('lib/aws/connection-table.ts', tests, [
    ['a page has no end', 'Limit: limit', 'Limit: 1000'],
    ['a page begins with the last one', '#connection > :after', '#connection >= :after'],
    ['a page ends the list', '...(next !== undefined && { next })', ''],
    [
      'any number wait',
      ' AND (attribute_not_exists(#waiters) OR #waiters < :most)',
      ' AND (attribute_not_exists(#waiters) OR :most = :most)',
    ],
    ['one more waits', '#waiters < :most', '#waiters <= :most'],
    ['who waits for a finished run is counted', "condition: '#version = :seen AND", "condition: ':seen = :seen AND"],
    ['a claim takes over the waiters', ' REMOVE #waiters`', '`'],
    ['a revival takes over the waiters', '#claimId, #waiters', '#claimId'],
  ]),
  ...mutantsOf('lib/aws/connection-item.ts', tests, [
    ['a settled claim keeps its id', "[...absent, 'claimId', 'waiters']", "[...absent, 'waiters']"],
    ['a settled claim keeps its waiters', "[...absent, 'claimId', 'waiters']", "[...absent, 'claimId']"],
    ['what is gone stays', "[...absent, 'claimId', 'waiters']", "['claimId', 'waiters']"],
    [
      'a page lacks a field',
      '  failingSince: true,\n  lastError: true,\n  retiredAt: true,\n',
      '  lastError: true,\n  retiredAt: true,\n',
    ],
    ['a settled claim stays leased', '  leaseUntil: true,\n  failures: true,\n', '  failures: true,\n'],
  ]),
  ...mutantsOf('lib/aws/secrets.ts', tests, [
    ['any stage is current', 'stages.includes(CURRENT)', 'true'],
    [
      'a secret that is being deleted is unreadable',
      '(thrown instanceof InvalidRequestException && /marked (for deletion|deleted)/i.test(thrown.message))',
      'false',
    ],
    ['every invalid request is a deleted secret', ' && /marked (for deletion|deleted)/i.test(thrown.message))', ')'],
    [
      'a word of the name is its beginning',
      '!entry.Name?.startsWith(prefix) || entry.DeletedDate',
      'entry.Name === undefined || entry.DeletedDate',
    ],
    ['deleted secrets are listed', ' || entry.DeletedDate) return', ') return'],
  ]),
  ...mutantsOf('lib/aws/failure.ts', tests, [
    [
      'errors quote what was read',
      "speaksSafely(thrown) ? thrown.message : 'its words are withheld'",
      'thrown.message',
    ],
  ]),
  ...mutantsOf('lib/aws/clients.ts', tests, [
    ['a call that hangs is only warned of', 'throwOnRequestTimeout: true', 'throwOnRequestTimeout: false'],
    ['an answer that stalls is waited for', 'socketTimeout: 3000, ', ''],
  ]),
  ...mutantsOf(
    'lib/aws/invoke.ts',
    ['test/aws/invoke.test.ts', 'test/functions'],
    [
      ['a run is asked for more than once', 'maxAttempts: 1', 'maxAttempts: 3'],
      [
        'a refresh function that failed has answered',
        'if (answer.FunctionError !== undefined || !answer.Payload) {',
        'if (!answer.Payload) {',
      ],
    ],
  ),
];
