/** A bug that once survived every test and 3,000 seeds. */
export interface Plant {
  readonly name: string;
  readonly file: string;
  /** Occurs in the file once. */
  readonly find: string;
  readonly replace: string;
  /** Why no seed can find it. */
  readonly unreachable?: string;
}

export const plants: readonly Plant[] = [
  {
    name: 'a login that gets 503 keeps a session that may be spent',
    file: 'lib/refresh/obtain.ts',
    find: 'const dropSession =\n',
    replace: "const dropSession = outcome.kind !== 'retry' &&\n",
  },
  {
    name: 'a secret is known if one of its records notes it',
    file: 'lib/discovery/inventory.ts',
    find: 'own.every(noted)',
    replace: 'own.some(noted)',
  },
  {
    name: 'a version that was answered holds the same credentials',
    file: 'lib/core/settle.ts',
    find: 'used.tried.fingerprint === seen.credentials;',
    replace: 'used.tried.fingerprint === seen.credentials || used.tried.version === seen.answeredVersion;',
  },
  {
    name: 'a refreshed session loses its end',
    file: 'lib/core/settle.ts',
    find: '    ...(sessionEndsAt !== undefined && { endsAt: sessionEndsAt }),\n',
    replace: '',
  },
  {
    name: 'a retirement withdraws only up to the listed version',
    file: 'lib/refresh/end.ts',
    find: 'const { version, replacedAt = now, leaseUntil = now } = record;',
    replace: 'const { replacedAt = now, leaseUntil = now } = record;\n  const { version } = listed;',
    unreachable: 'a retired record keeps its version; see below',
  },
];
