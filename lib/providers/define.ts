import { createHash } from 'node:crypto';
import type * as z from 'zod';
import type { ErrorCode } from '../core/errors.ts';
import { isObject } from '../core/jwt.ts';
import { fitsHeader } from '../core/limits.ts';
import type { Account, HttpRequest, Opened, Provider, TokenAnswer, Usage } from '../core/provider.ts';

/** A provider as its file writes it: the functions get the validated credentials `C`. */
export interface Definition<S extends z.ZodObject, C = z.output<S>> extends Omit<Provider, 'fields' | 'open'> {
  /** The credential fields, made with `fields.ts`. */
  readonly secret: S;
  /** The credential that shares the budget; without it, all connections of the provider do. Only its hash is kept. */
  limitShared?(credentials: C): string;
  logIn(credentials: C): HttpRequest;
  exchange?(credentials: C, first: Readonly<Record<string, unknown>>): HttpRequest | undefined;
  refresh?(credentials: C, refreshToken: string): HttpRequest;
  oneTimeCode?(credentials: C): string | undefined;
  usage(credentials: C, answer: TokenAnswer): Usage | ErrorCode;
}

/** Makes a provider of its definition; the type of its credentials ends here. */
export function defineProvider<S extends z.ZodObject>(definition: Definition<S>): Provider {
  const { secret, limitShared, logIn, exchange, refresh, oneTimeCode, usage, ...data } = definition;

  const account = (credentials: z.output<S>): Account => {
    const code = oneTimeCode?.(credentials);
    return {
      limitKey: limitShared ? `${data.id}#${fingerprint(data.id, limitShared(credentials))}` : data.id,
      origin: new URL(logIn(credentials).url).origin,
      ...(refresh && { sessionBinding: refresh(credentials, '').url }),
      logIn: () => logIn(credentials),
      ...(exchange && code === undefined && { exchange: first => exchange(credentials, first) }),
      ...(refresh && { refresh: refreshToken => refresh(credentials, refreshToken) }),
      ...(code !== undefined && { oneTimeCode: code }),
      // Checked here, so that no provider can forget it: a token that cannot be a header is of no use to anyone.
      usage: answer => (fitsHeader(answer.accessToken) ? usage(credentials, answer) : 'malformed_answer'),
    };
  };

  const fields = fieldsOf(secret);
  return {
    ...data,
    fields,
    open(value) {
      if (!isObject(value)) {
        const message = `The secret is not a JSON object: store ${fields.required.map(quoted).join(', ')} as the fields of one`;
        return { ok: false, problems: [{ field: '', message }] };
      }
      const parsed = secret.safeParse(value);
      return parsed.success ? { ok: true, account: account(parsed.data) } : problems(parsed.error.issues);
    },
  };
}

const quoted = (field: string): string => `"${field}"`;

const fieldsOf = (secret: z.ZodObject): Provider['fields'] => {
  const optional = new Set(
    Object.keys(secret.shape).filter(field => secret.shape[field]?.safeParse(undefined).success),
  );
  const required = Object.keys(secret.shape).filter(field => !optional.has(field));
  return { required, optional: [...optional] };
};

const problems = (issues: readonly z.core.$ZodIssue[]): Opened => {
  const first = new Map<string, string>();
  for (const { path, message } of issues) {
    const field = String(path[0]);
    if (!first.has(field)) first.set(field, `${quoted(field)} ${message}`);
  }
  return { ok: false, problems: [...first].map(([field, message]) => ({ field, message })) };
};

/** Budget keys are stored, so that they must not be a credential, nor allow a guess across providers. */
const fingerprint = (provider: string, credential: string): string =>
  createHash('sha256').update(`${provider}\0${credential}`).digest('hex').slice(0, 16);
