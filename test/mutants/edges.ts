import { type Mutant, mutantsOf } from './mutant.ts';

export const edges: readonly Mutant[] = [
  ...mutantsOf(
    'lib/http/send.ts',
    ['test/http'],
    [
      ['no deadline', "setTimeout(() => fail('timeout'), deadline)", "setTimeout(() => fail('timeout'), 2 ** 30)"],
      ['answers of any size', 'if (size > LARGEST_ANSWER) fail', 'if (false) fail'],
      ['informational answers without an end', 'if (informational > MOST_INFORMATIONAL) fail', 'if (false) fail'],
      ['every failure happened before it was sent', 'code, sent: connected }', 'code, sent: false }'],
      ['every failure happened after it was sent', 'code, sent: connected }', 'code, sent: true }'],
      ['a TLS handshake sends the request', "url.protocol === 'https:' ? 'secureConnect' : 'connect'", "'connect'"],
      ['what cannot be sent is an exception', ".catch(() => ({ kind: 'failed', code: 'network', sent: false }))", ''],
    ],
  ),
  ...mutantsOf(
    'lib/discovery/discover.ts',
    ['test/refresh', 'test/discovery'],
    [
      [
        'what was late for a removed record takes the token of the new one',
        'version: firstVersion(this.#now)',
        'version: version(0)',
      ],
      [
        'a newer token is withdrawn',
        'withdraw(connection, last)',
        'withdraw(connection, version(Number.MAX_SAFE_INTEGER))',
      ],
    ],
  ),
];
