import * as z from 'zod';
import type { Env } from '../lib/aws/clients.ts';
import { jsonObject } from '../lib/core/jwt.ts';

const list = z
  .string()
  .min(1)
  .transform(text => text.split(','));
const table = z.string().min(1);
const prefix = z.string().endsWith('/');

/** The environment of each function: infrastructure sets these names, the functions read them, nothing else does. */
const variables = {
  refresh: z.object({
    TOKENS_TABLE: table,
    CONNECTIONS_TABLE: table,
    PROVIDER: z.string().min(1),
    EVENT_BUS: z.string().min(1),
    SECRET_PREFIX: prefix,
    /** The share of a token's lifetime after which it is renewed, where it is not the policy's own. */
    REFRESH_AT: z.coerce.number().min(0.1).max(0.9).exactOptional(),
  }),
  discover: z.object({
    TOKENS_TABLE: table,
    CONNECTIONS_TABLE: table,
    PROVIDERS: list,
    SECRET_PREFIX: prefix,
    CONNECTIONS_PER_SECRET: z.coerce.number().int().min(1),
  }),
  api: z.object({
    TOKENS_TABLE: table,
    CONNECTIONS_TABLE: table,
    /** JSON: provider → name of its `refresh` function. */
    REFRESH_FUNCTIONS: z.string().transform((text, context) => {
      const parsed = z.record(z.string(), z.string()).safeParse(jsonObject(text));
      if (parsed.success) return parsed.data;
      context.addIssue('is not a JSON object of provider ids and function names');
      return z.NEVER;
    }),
  }),
};

type Variables = { [F in keyof typeof variables]: z.output<(typeof variables)[F]> };

/** What a function was configured with; an error names each variable that is missing or malformed. */
export const environmentOf = <F extends keyof Variables>(name: F, env: Env): Variables[F] => {
  const parsed = variables[name].safeParse(env);
  if (parsed.success) return parsed.data as Variables[F];
  const faults = parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`the environment of "${name}" is incomplete: ${faults.join('; ')}`);
};
