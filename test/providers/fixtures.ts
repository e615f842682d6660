import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Exchange } from '../../lib/core/interpret.ts';
import type { Account, Grant, HttpRequest, Provider } from '../../lib/core/provider.ts';
import { epochMs } from '../../lib/core/types.ts';
import { findProvider } from '../../lib/providers/index.ts';

type Json = Readonly<Record<string, unknown>>;

export interface ErrorFixture {
  readonly name: string;
  readonly grant: Grant;
  readonly status: number;
  readonly body: unknown;
  readonly expected: Json;
}
export interface Fixtures {
  readonly secret: Readonly<Record<string, string>>;
  readonly requests: {
    readonly logIn: HttpRequest;
    readonly exchange?: HttpRequest;
    readonly refresh?: HttpRequest;
    readonly revoke?: HttpRequest;
  };
  readonly token: Json;
  readonly published: {
    readonly seconds: number;
    readonly sessionSeconds?: number;
    readonly tokenType: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly baseUrl: string;
    readonly refreshToken?: string;
    readonly warnings: readonly string[];
  };
  readonly errors: readonly ErrorFixture[];
  /** The first answer of a grant in two steps. */
  readonly code?: Json;
}

const root = join(import.meta.dirname, '../../lib/providers');

/** Those that are there; `missing.ts` names the others. */
export const fixturesOf = (provider: string): Fixtures => {
  const folder = join(root, provider, 'fixtures');
  if (!existsSync(folder)) return {} as Fixtures;
  const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'));
  return Object.fromEntries(
    readdirSync(folder).map(file => [file.replace(/\.json$/, ''), read(file)]),
  ) as unknown as Fixtures;
};

/** The moment that the JWTs of the fixtures were issued at. */
export const sentAt = epochMs(Date.UTC(2026, 0, 1));

export const provider = (id: string): Provider => {
  const found = findProvider(id);
  if (!found) throw new Error(`no provider ${id}`);
  return found;
};

/** The account of a provider's fixture secret, with some of its fields changed; `undefined` removes one. */
export const accountOf = (id: string, changes: Json = {}): Account => {
  const opened = provider(id).open({ ...fixturesOf(id).secret, ...changes });
  if (!opened.ok) throw new Error(opened.problems.map(({ message }) => message).join('\n'));
  return opened.account;
};

export const problemsOf = (id: string, secret: unknown): readonly { field: string; message: string }[] => {
  const opened = provider(id).open(secret);
  return opened.ok ? [] : opened.problems;
};

export const exchangeWith = (id: string, grant: Grant = 'login', changes: Json = {}): Exchange => ({
  provider: provider(id),
  account: accountOf(id, changes),
  grant,
  sentAt,
});

/** An unsigned JWT. */
export const jwt = (claims: Json): string => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.made-up`;
};
