import type * as z from 'zod';
import type { ErrorCode } from '../core/errors.ts';
import { fingerprint } from '../core/fingerprint.ts';
import { type AddressRules, defaultRules, isOnHosts } from '../core/hosts.ts';
import { isObject } from '../core/json.ts';
import { fitsHeader } from '../core/limits.ts';
import { defaultPolicy, longestCallDeadline } from '../core/policy.ts';
import type { Account, Assertion, HttpRequest, Opened, Provider, TokenAnswer, Usage } from '../core/provider.ts';
import { seconds } from '../core/types.ts';
import { type FieldProblem, unknownFieldProblems } from './unknown-fields.ts';

/** A provider as its file defines it; the functions get the validated credentials `C`. */
export interface Definition<S extends z.ZodObject, C = z.output<S>>
  extends Omit<Provider, 'callsPerRun' | 'fields' | 'open' | 'locksAccounts'> {
  /** The credential fields, made with `fields.ts`. */
  readonly secret: S;
  /**
   * The credential that shares the rate limit; without it, all connections at one origin share it. Only its hash is
   * kept.
   */
  limitShared?(credentials: C): string;
  /** The base URL of the token endpoint. */
  base(credentials: C): string;
  logIn(credentials: C, assertion?: string): HttpRequest;
  exchange?(credentials: C, first: Readonly<Record<string, unknown>>, assertion?: string): HttpRequest | undefined;
  assertion?(credentials: C): Assertion | undefined;
  /** The refresh grant, and the client that a refresh token is issued to. Only the client's hash is kept. */
  readonly session?: {
    refresh(credentials: C, refreshToken: string, assertion?: string): HttpRequest;
    client(credentials: C): readonly string[];
  };
  oneTimeCode?(credentials: C): string | undefined;
  /** Whether that code is a refresh token. */
  readonly importsSession?: boolean;
  /** The user and the password of a login that the provider locks after a few wrong tries. */
  lockable?(credentials: C): { readonly user: string; readonly password: string } | undefined;
  usage(credentials: C, answer: TokenAnswer): Usage | ErrorCode;
}

/** Makes a provider from its definition and hides the type of its credentials. */
export function defineProvider<S extends z.ZodObject>(definition: Definition<S>): Provider {
  const { secret, limitShared, base, logIn, exchange, session, oneTimeCode, ...others } = definition;
  const { lockable, usage, assertion, importsSession, ...rest } = others;
  const data = {
    ...rest,
    callsPerRun: (session ? 1 : 0) + (exchange ? 2 : 1),
    ...(exchange && { twoSteps: true as const }),
  };
  checkDeadline(data);

  const account = (credentials: z.output<S>, rules: AddressRules): Account => {
    const code = oneTimeCode?.(credentials);
    const { origin } = new URL(logIn(credentials).url);
    const toSign = assertion?.(credentials);
    const login = lockable?.(credentials);
    return {
      base: base(credentials),
      ...(login && {
        login: {
          key: `${data.id}#${fingerprintOf(origin, login.user.trim().toLowerCase())}`,
          // A trailing space counts as a correction; upper and lower case are the same user.
          text: JSON.stringify([origin, login.user.toLowerCase(), login.password]),
        },
      }),
      limitKey: `${data.id}#${fingerprintOf(data.id, origin, limitShared?.(credentials) ?? '')}`,
      ...(toSign && { assertion: toSign }),
      logIn: signed => logIn(credentials, signed),
      ...(exchange && code === undefined && { exchange: (first, signed) => exchange(credentials, first, signed) }),
      ...(session && {
        refresh: (refreshToken, signed) => session.refresh(credentials, refreshToken, signed),
        sessionBinding: fingerprintOf(session.refresh(credentials, '').url, ...session.client(credentials)),
      }),
      ...(code !== undefined && { oneTimeCode: code, ...(importsSession && { importsSession: true }) }),
      // Checked here for all providers: nobody can use a token that does not fit into a header, and an answer must not
      // send tokens to any host it names.
      usage: answer => {
        if (!fitsHeader(answer.accessToken)) return 'malformed_answer';
        const used = usage(credentials, answer);
        if (typeof used === 'string') return used;
        const baseUrl = addressIn(credentials, 'apiBaseUrl') ?? used.baseUrl;
        return isAllowed(baseUrl, credentials, rules) ? { ...used, baseUrl } : 'service_uri_refused';
      },
    };
  };

  /** On a host of the provider, or at an address in the secret. */
  const isAllowed = (address: string, credentials: z.output<S>, { hosts }: AddressRules): boolean =>
    isOnHosts(address, [...data.hosts, ...hosts]) ||
    ADDRESSES.some(field => {
      const own = addressIn(credentials, field);
      return own !== undefined && new URL(address).origin === new URL(own).origin;
    });

  /** No request goes to another host. A secret for which the definition makes no valid URL is refused. */
  const opened = (credentials: z.output<S>, rules: AddressRules): Opened => {
    try {
      const urls = [logIn(credentials).url, ...(session ? [session.refresh(credentials, 'x').url] : [])];
      if (urls.every(url => isAllowed(url, credentials, rules)))
        return { ok: true, account: account(credentials, rules) };
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    return {
      ok: false,
      problems: [{ field: '', message: `The secret gives no valid address of ${data.id}: check its fields` }],
    };
  };

  const fields = fieldsOf(secret);
  return {
    ...data,
    fields,
    locksAccounts: lockable !== undefined,
    open(value, rules = defaultRules) {
      if (!isObject(value)) {
        const message = `The secret is not a JSON object: store ${fields.required.map(quoted).join(', ')} as the fields of one`;
        return { ok: false, problems: [{ field: '', message }] };
      }
      const unknown = unknownFieldProblems(data.id, [...fields.required, ...fields.optional], value);
      const parsed = secret.safeParse(value);
      if (!parsed.success) return problems(parsed.error.issues, unknown);
      if (unknown.length > 0) return { ok: false, problems: unknown };
      const local = ADDRESSES.filter(field => !rules.loopback && addressIn(parsed.data, field)?.startsWith('http:'));
      if (local.length > 0) return { ok: false, problems: local.map(localProblem) };
      const hosts = [...data.hosts, ...rules.hosts];
      const foreign = ADDRESSES.filter(field => {
        const own = addressIn(parsed.data, field);
        return own !== undefined && !rules.ownBaseUrl && !isOnHosts(own, hosts);
      });
      if (foreign.length > 0) return { ok: false, problems: foreign.map(field => foreignProblem(field, hosts)) };
      return opened(parsed.data, rules);
    },
  };
}

const SHORTEST_CALL_DEADLINE = seconds(1);

/** Otherwise a second worker could claim a connection while the first one still waits for the provider. */
const checkDeadline = (provider: Pick<Provider, 'id' | 'callDeadline' | 'callsPerRun' | 'rateLimit'>): void => {
  const { id, callDeadline } = provider;
  const longest = longestCallDeadline(defaultPolicy, provider);
  if (callDeadline === undefined || (callDeadline >= SHORTEST_CALL_DEADLINE && callDeadline <= longest)) return;
  const range = `${SHORTEST_CALL_DEADLINE} to ${longest}`;
  throw new RangeError(`"callDeadline" of ${id} must be ${range} milliseconds, got ${callDeadline}.`);
};

/** The fields of a secret with addresses in place of the provider's own: for everything, or only for its API. */
const ADDRESSES = ['baseUrl', 'apiBaseUrl'] as const;

const addressIn = (
  credentials: Readonly<Record<string, unknown>>,
  field: (typeof ADDRESSES)[number],
): string | undefined => {
  const address = credentials[field];
  return typeof address === 'string' ? address : undefined;
};

const foreignProblem = (field: string, hosts: readonly string[]): FieldProblem => ({
  field,
  message: `"${field}" is on another host than ${hosts.join(', ')}, which this deployment does not allow`,
});

const localProblem = (field: string): FieldProblem => ({
  field,
  message: `"${field}" begins with http:, which works on a laptop only: give an https: address`,
});

const quoted = (field: string): string => `"${field}"`;

const fieldsOf = (secret: z.ZodObject): Provider['fields'] => {
  const optional = new Set(
    Object.keys(secret.shape).filter(field => secret.shape[field]?.safeParse(undefined).success),
  );
  const required = Object.keys(secret.shape).filter(field => !optional.has(field));
  return { required, optional: [...optional] };
};

const problems = (issues: readonly z.core.$ZodIssue[], unknown: readonly FieldProblem[]): Opened => {
  const first = new Map<string, string>();
  for (const { path, message } of issues) {
    const field = String(path[0]);
    if (!first.has(field)) first.set(field, `${quoted(field)} ${message}`);
  }
  return { ok: false, problems: [...[...first].map(([field, message]) => ({ field, message })), ...unknown] };
};

/** Keys and bindings are stored: they must not contain a credential, or allow guesses across providers. */
const fingerprintOf = (...parts: readonly string[]): string => fingerprint(JSON.stringify(parts));
