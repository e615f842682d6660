import * as z from 'zod';
import type { Env } from '../lib/aws/clients.ts';
import { isDeploymentName } from '../lib/core/deployment.ts';
import { isHostPattern } from '../lib/core/hosts.ts';
import { jsonObject } from '../lib/core/json.ts';

const hosts = z
  .string()
  .transform(text => text.split(','))
  .refine(all => all.every(isHostPattern), 'must be hosts with commas between them');
const table = z.string().min(1);
const deployment = z.string().refine(isDeploymentName, 'must be the name of a deployment');
/** The share of a token's lifetime after which it is renewed, and the tick in milliseconds. */
const pace = z.object({
  refreshAt: z.number().min(0.1).max(0.9),
  tick: z.int().min(1),
  renewWithin: z.int().min(1).exactOptional(),
});
const refresher = pace.extend({ functionName: z.string().min(1) });
const json = <T extends z.ZodType>(content: T, is: string) =>
  z.string().transform((text, context): z.output<T> => {
    const parsed = content.safeParse(jsonObject(text));
    if (parsed.success) return parsed.data;
    context.addIssue(`must be a JSON object ${is}`);
    return z.NEVER;
  });
const byProvider = <T extends z.ZodType>(entry: T, is: string) =>
  json(z.record(z.string(), entry), `{provider: ${is}}`);

/** The environment of each function. Only infrastructure sets these variables, and only the functions read them. */
const variables = {
  refresh: z.object({
    TOKENS_TABLE: table,
    CONNECTIONS_TABLE: table,
    PROVIDER: z.string().min(1),
    EVENT_BUS: z.string().min(1),
    DEPLOYMENT: deployment,
    PACE: json(pace, '{refreshAt, tick}'),
    /** Hosts of the provider's API in addition to those of its definition. */
    HOSTS: hosts.exactOptional(),
    /** Whether the `baseUrl` of a secret may be on any host; if absent, it may. */
    OWN_BASE_URL: z.stringbool().exactOptional(),
  }),
  watch: z.object({
    TOKENS_TABLE: table,
    CONNECTIONS_TABLE: table,
    DEPLOYMENT: deployment,
    /** By provider; `lifetime` in milliseconds. */
    PACES: byProvider(pace.extend({ lifetime: z.int().min(1) }), '{refreshAt, tick, lifetime}'),
    EVENT_BUS: z.string().min(1),
    ALARM_TOPIC: z.string().min(1),
    /** The full URL of the runbook. */
    RUNBOOK: z.url(),
    CONNECTIONS_PER_SECRET: z.coerce.number().int().min(1),
  }),
  api: z.object({
    TOKENS_TABLE: table,
    CONNECTIONS_TABLE: table,
    DEPLOYMENT: deployment,
    /** The `refresh` function of each provider, and its pace. */
    REFRESHERS: byProvider(refresher, '{functionName, refreshAt, tick}'),
  }),
};

type Variables = { [F in keyof typeof variables]: z.output<(typeof variables)[F]> };

/** The configuration of a function; an error names each missing or malformed variable. */
export const environmentOf = <F extends keyof Variables>(name: F, env: Env): Variables[F] => {
  const parsed = variables[name].safeParse(env);
  if (parsed.success) return parsed.data as Variables[F];
  const faults = parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`the environment of "${name}" is incomplete: ${faults.join('; ')}`);
};
