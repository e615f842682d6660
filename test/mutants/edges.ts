import { type Mutant, mutantsOf } from './mutant.ts';

export const edges: readonly Mutant[] = [
  ...mutantsOf(
    'lib/http/send.ts',
    ['test/http'],
    [
      ['no deadline', "setTimeout(() => fail('timeout'), deadline)", "setTimeout(() => fail('timeout'), 2 ** 30)"],
      ['answers of any size', 'if (size > LARGEST_ANSWER) fail', 'if (false) fail'],
      ['every failure happened before it was sent', 'code, sent: connected }', 'code, sent: false }'],
      ['every failure happened after it was sent', 'code, sent: connected }', 'code, sent: true }'],
      ['a TLS handshake sends the request', "url.protocol === 'https:' ? 'secureConnect' : 'connect'", "'connect'"],
      ['what cannot be sent is an exception', ".catch(() => ({ kind: 'failed', code: 'network', sent: false }))", ''],
    ],
  ),
  ...mutantsOf(
    'lib/shell/claims.ts',
    ['test/shell'],
    [
      [
        'a secret that can’t be read is gone',
        "if (value === 'unreadable') return false;",
        "if (value === 'unreadable') return true;",
      ],
      [
        'a broken secret is gone',
        'return content.ok && !content.connections.has(record.connection);',
        'return !(content.ok && content.connections.has(record.connection));',
      ],
      [
        'the first by name takes another’s',
        'const same = held ? sorted.find(claim => claim.secret.name === holder.secret.name) : undefined;',
        'const same = undefined as Claimed | undefined;',
      ],
      ['silence is a waiver', 'const silent = held && !same && !(await this.isGone(holder));', 'const silent = false;'],
      ['a contested secret is not read again', ' && !secret.contested);', ');'],
      ['a broken new secret is not seen', 'if (own.length === 0)\n', 'if (false)\n'],
      [
        'a broken secret loses its connections',
        'else for (const { connection, secret } of own) this.#claim({ connection, secret, version: value.version });',
        '',
      ],
    ],
  ),
  ...mutantsOf(
    'lib/shell/discover.ts',
    ['test/shell'],
    [
      ['retired on hearsay', 'if (!(await this.#claims.isGone(record))) return;', ''],
      ['a retired token stays', 'await tokens.withdraw(connection, retired.version);', ''],
      [
        'a token of a connection that came back is taken',
        'if (retired?.retiredAt === undefined) return;',
        'if (!retired) return;',
      ],
      [
        'what was late for a removed record takes the token of the new one',
        'version: firstVersion(this.#now)',
        'version: version(0)',
      ],
      ['removed while late writers live', 'if (this.#now < retiredAt + RETIRED_FOR) return;', ''],
      ['a late token outlives its record', 'await this.#deps.tokens.withdraw(connection, last);\n', ''],
      [
        'a newer token is withdrawn',
        'withdraw(connection, last)',
        'withdraw(connection, version(Number.MAX_SAFE_INTEGER))',
      ],
      [
        'a secret that came back stays retired',
        'if (record.retiredAt !== undefined) {\n      await connections.revive',
        'if (false) {\n      await connections.revive',
      ],
      ['a new version is not noted', 'if (moved || record.secretVersion !== claim.version) {', 'if (moved) {'],
      ['a moved connection is not noted', 'const moved = !sameRef(record.secret, secret);', 'const moved = false;'],
      [
        'an unread secret’s connections are looked for one by one',
        ' && !unread.has(record.secret.name)',
        '',
        'the secret itself is asked then, and one that cannot be read is not gone',
      ],
      [
        'the missing are removed early',
        'retiredAt !== undefined && !this.#claims.has(connection)',
        'retiredAt !== undefined',
      ],
    ],
  ),
];
