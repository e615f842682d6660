import { type Mutant, mutantsOf } from './mutant.ts';

const tests = ['test/contract/embedded.test.ts', 'test/aws'];

/** The adapters of the tables: every condition, attribute, comparison, key and read that `stores.ts` leaves. */
export const tables: readonly Mutant[] = [
  ...mutantsOf('lib/aws/connection-table.ts', tests, [
    [
      'a claim leaves the version',
      'SET #version = :mine, #dueAt = :leaseUntil,',
      'SET #version = :seenVersion, #dueAt = :leaseUntil,',
    ],
    ['a claim hides nothing', '#dueAt = :leaseUntil, #leaseUntil = :leaseUntil', '#leaseUntil = :leaseUntil'],
    ['a claim notes no lease', '#dueAt = :leaseUntil, #leaseUntil = :leaseUntil', '#dueAt = :leaseUntil'],
    ['a claim has no id', '#leaseUntil = :leaseUntil, #claimId = :id$', '#leaseUntil = :leaseUntil$'],
    ['a forced claim says nothing of it', "forcedAt === undefined ? '' : ', #forcedAt = :forcedAt'", "''"],
    ['who waits is not counted', "'ADD #waiters :one'", "'SET #waiters = :one'"],
    [
      'settle makes a record',
      "'#version = :mine AND attribute_not_exists(#retiredAt)',\n          values: { ...settlementValues",
      "'attribute_not_exists(#version) OR #version = :mine AND attribute_not_exists(#retiredAt)',\n          values: { ...settlementValues",
    ],
    [
      'a version is raised by who lost the connection',
      "condition: '#version = :mine AND attribute_not_exists(#retiredAt)',\n          values: { mine, to },",
      "condition: 'attribute_exists(#version) AND attribute_not_exists(#retiredAt)',\n          values: { to },",
    ],
    [
      'the version of a retired connection is raised',
      "condition: '#version = :mine AND attribute_not_exists(#retiredAt)',\n          values: { mine, to },",
      "condition: '#version = :mine',\n          values: { mine, to },",
    ],
    [
      'a raise reports nothing',
      'return (await change(connection, raised)) !== undefined;',
      'await change(connection, raised);\n        return true;',
    ],
    [
      'a note makes a record',
      "condition: 'attribute_exists(#connection)',\n          values: { secretVersion",
      "condition: 'attribute_exists(#connection) OR attribute_not_exists(#connection)',\n          values: { secretVersion",
    ],
    [
      'a note of a report makes a record',
      "condition: 'attribute_exists(#connection)',\n          values: { reported",
      "condition: 'attribute_exists(#connection) OR attribute_not_exists(#connection)',\n          values: { reported",
    ],
    [
      'a note lacks the version',
      "'SET #secretVersion = :secretVersion, #secretKeys = :secretKeys, #labels = :labels',",
      "'SET #secretKeys = :secretKeys, #labels = :labels',",
    ],
    [
      'a note lacks the labels',
      "'SET #secretVersion = :secretVersion, #secretKeys = :secretKeys, #labels = :labels',",
      "'SET #secretVersion = :secretVersion, #secretKeys = :secretKeys',",
    ],
    ['a retirement leaves no mark', "'SET #retiredAt = :at, #dueAt = :dueAt'", "'SET #dueAt = :dueAt'"],
    ['a retirement is not due', "'SET #retiredAt = :at, #dueAt = :dueAt'", "'SET #retiredAt = :at'"],
    ['a replacement moves the retirement', 'if_not_exists(#retiredAt, :at), #replacedAt', ':at, #replacedAt'],
    ['a replacement is not due', '#replacedAt = :at, #dueAt = :at', '#replacedAt = :at'],
    ['a replacement leaves no mark', '#replacedAt = :at, #dueAt = :at', '#dueAt = :at'],
    [
      'a replacement moves',
      "'attribute_exists(#connection) AND attribute_not_exists(#replacedAt)'",
      "'attribute_exists(#connection)'",
    ],
    [
      'a replacement makes a record',
      "'attribute_exists(#connection) AND attribute_not_exists(#replacedAt)'",
      "'attribute_not_exists(#replacedAt)'",
    ],
    ['an end leaves no mark', "update: 'SET #endedAt = :at',", "update: 'SET #endingAt = :at',"],
    [
      'what came back has ended',
      "condition: 'attribute_exists(#retiredAt) AND #version = :last',\n          values: { at, last },",
      "condition: '#version = :last',\n          values: { at, last },",
    ],
    [
      'a page shows the first shard alone',
      "'#shard = :shard AND #connection > :after'",
      "'#shard = :shard AND #connection > :after AND #connection < :after'",
    ],
    ['the first page needs a name', "after: after || ' '", "after: after || 'z'"],
    [
      'a record is added to another shard',
      '{ ...toItem(connection), ...connectionKey(connection.connection) }',
      "{ ...toItem(connection), ...connectionKey(connection.connection), shard: { S: 'test-provider#0' } }",
    ],
    [
      'add reports nothing',
      'return (await ifCondition(() => client.send(put))) !== undefined;',
      'await ifCondition(() => client.send(put));\n        return true;',
    ],
    [
      'join reports nothing',
      'return (await change(connection, joined)) !== undefined;',
      'await change(connection, joined);\n        return true;',
    ],
    [
      'settle reports nothing',
      'return (await change(connection, settled)) !== undefined;',
      'await change(connection, settled);\n        return true;',
    ],
  ]),
  ...mutantsOf('lib/aws/connection-item.ts', tests, [
    ['a list lacks the lease', '  version: true,\n  leaseUntil: true,\n  issuedAt', '  version: true,\n  issuedAt'],
    [
      'a list lacks the keys of a secret',
      '  secretKeys: true,\n  labels: true,\n  redeemedCode',
      '  labels: true,\n  redeemedCode',
    ],
    ['a list lacks the end that has begun', '  endingAt: true,\n', ''],
    [
      'a settlement lacks the session',
      '  session: true,\n  base: true,\n  apiOrigin: true,\n  answeredVersion',
      '  base: true,\n  apiOrigin: true,\n  answeredVersion',
    ],
    ['a settlement lacks the code that was redeemed', '  redeemedCode: true,\n};', '};'],
    ['a settlement lacks the credentials', '  credentials: true,\n', ''],
    ['a session in doubt is not', 'inDoubt: ', 'inDoubts: '],
  ]),
  ...mutantsOf('lib/aws/session-table.ts', tests, [
    [
      'an older session replaces a newer one',
      "'attribute_not_exists(#connection) OR #version <= :mine'",
      "'attribute_not_exists(#connection) OR :mine = :mine'",
    ],
    ['a session is kept once', 'OR #version <= :mine', 'OR #version < :mine'],
    [
      'a session is not kept where there is none',
      "'attribute_not_exists(#connection) OR #version <= :mine'",
      "'#version <= :mine'",
    ],
    ['a newer session is forgotten', "...expressed({ ConditionExpression: '#version <= :upTo' }, { upTo }),", ''],
    ['the last session is not forgotten', "'#version <= :upTo'", "'#version < :upTo'"],
    ['sessions are read as they were', 'Key: keyOf(connection), ConsistentRead: true', 'Key: keyOf(connection)'],
    ['sessions lie among the records', '#sessions`', '#1`'],
    [
      'all connections have one session',
      'toItem({ shard: sessionShard(providerOf(connection)), connection })',
      "toItem({ shard: sessionShard(providerOf(connection)), connection: 'one' })",
    ],
    ['a session forgets its end', '      endsAt: momentSchema.exactOptional(),\n', ''],
    [
      'a session that is given up stays',
      'toItem({ version: mine, session })',
      'toItem({ version: mine, session: session ?? { refreshToken: "x", base: "x", binding: "x" } })',
    ],
    [
      'keep reports nothing',
      'return (await ifCondition(() => client.send(put))) !== undefined;',
      'await ifCondition(() => client.send(put));\n      return true;',
    ],
  ]),
  ...mutantsOf('lib/aws/token-table.ts', tests, [
    ['the last token is not withdrawn', "'#version <= :upTo'", "'#version < :upTo'"],
    [
      'a token is published only where one is',
      "'attribute_not_exists(#connection) OR #version < :version'",
      "'#version < :version'",
    ],
  ]),
  ...mutantsOf('lib/aws/limit-table.ts', tests, [
    [
      'two bookings on one state',
      "revision === 0 ? 'attribute_not_exists(#connection)' : '#revision = :revision'",
      "revision === 0 ? 'attribute_not_exists(#connection)' : '#revision >= :revision'",
    ],
    [
      'the first booking replaces others',
      "revision === 0 ? 'attribute_not_exists(#connection)'",
      "revision === 0 ? 'attribute_not_exists(#nothing)'",
    ],
    [
      'a booking leaves the revision',
      'await put(key, state, revision + 1,',
      'await put(key, state, Math.max(1, revision),',
    ],
    ['what was met is read as it was', 'Key: keyOf(key), ConsistentRead: true', 'Key: keyOf(key)'],
    ['limits lie among the records', '#limits`', '#1`'],
    ['limits stay for ever', '[REMOVE_AT]: Math.ceil(lastAt / 1000) + KEPT', ''],
    ['limits go at once', 'Math.ceil(lastAt / 1000) + KEPT', 'Math.ceil(lastAt / 1000)'],
    [
      'a broken state is replaced whatever there is by now',
      "'NOT attribute_type(#revision, :number)', { number: 'N' }",
      "'attribute_exists(#connection)', {}",
    ],
  ]),
  ...mutantsOf('lib/aws/login-table.ts', tests, [
    [
      'a login is taken by two',
      "'attribute_not_exists(#takenUntil) OR #takenUntil <= :at OR #takenBy = :id'",
      "'attribute_not_exists(#takenUntil) OR :at = :at OR #takenBy = :id'",
    ],
    [
      'a login is taken for ever',
      "'attribute_not_exists(#takenUntil) OR #takenUntil <= :at OR #takenBy = :id'",
      "'attribute_not_exists(#takenUntil) OR #takenBy = :id OR :at < :at'",
    ],
    ['a login is taken a moment longer', '#takenUntil <= :at', '#takenUntil < :at'],
    ['a try that is repeated waits for itself', ' OR #takenBy = :id', ''],
    ['a taken login has no end', 'SET #takenBy = :id, #takenUntil = :until,', 'SET #takenBy = :id,'],
    ['a login forgets who was refused', '#refused = if_not_exists(#refused, :none)', '#refused = :none'],
    [
      'a login is given back by anybody',
      "'#takenBy = :id', { id, refused, granted, wrong })",
      "'attribute_exists(#takenBy)', { refused, granted, wrong })",
    ],
    ['a login is not given back', "['#takenBy', '#takenUntil']", "['#takenBy']"],
    [
      'a login that is tried is given back',
      'write(login, id, state, []))',
      "write(login, id, state, ['#takenUntil']))",
    ],
    ['whoever lost a login notes a try', ' !== undefined),\n\n    giveBack', ' !== null),\n\n    giveBack'],
    ['what worked before works for ever', '[...more, ...names.filter(', '[...more, ...names.slice(0, 0).filter('],
    ['what worked is forgotten', 'const optional = { granted, wrong };', 'const optional = { wrong };'],
    ['wrong tries are forgotten', 'const optional = { granted, wrong };', 'const optional = { granted };'],
    [
      'every proposal of a key wins',
      'if (await ifCondition(() => client.send(put))) return proposed;',
      'await ifCondition(() => client.send(put));\n        return proposed;',
    ],
    [
      'a key replaces another',
      "...expressed({ ConditionExpression: 'attribute_not_exists(#connection)' }, {}),\n        });\n        if",
      '});\n        if',
    ],
    ['keys are read as they were', 'Key: itemKey(provider, KEY), ConsistentRead: true', 'Key: itemKey(provider, KEY)'],
    ['providers share a key', 'loginShard = (provider: string)', 'loginShard = (_: string, provider = 0)'],
  ]),
  ...mutantsOf('lib/aws/secrets.ts', tests, [
    [
      'a version lacks the mark of its secret',
      'version: versionOf(arn, VersionId), text',
      'version: versionOf("", VersionId), text',
    ],
    ['a listed version lacks the mark of its secret', 'versionOf(ARN, current[0])', "versionOf('', current[0])"],
    [
      'a secret of bytes is empty',
      'SecretString ?? (SecretBinary && new TextDecoder().decode(SecretBinary))',
      'SecretString',
    ],
    ['any version is read', 'SecretId: name, VersionStage: CURRENT', "SecretId: name, VersionStage: 'AWSPREVIOUS'"],
    ['a secret that does not exist is unreadable', 'thrown instanceof ResourceNotFoundException ||', 'false ||'],
  ]),
];
