import type { Grant } from '../../../lib/core/provider.ts';
import { hours, minutes, plus } from '../../../lib/core/types.ts';
import type { DefinitionData, RequestData } from '../../../lib/definition/schema.ts';
import { placeholdersIn } from '../../../lib/definition/template.ts';
import { textsOf } from '../../../lib/definition/texts.ts';
import { simulatedIdOf } from '../accounts.ts';
import type { Code, FakeAuthServer, SimulatedResponse } from '../kit.ts';
import { json } from '../wire.ts';
import { type Grantee, grant } from './answers.ts';
import { type Json, withAt } from './json.ts';
import type { Captured } from './reading.ts';
import { earlyRefusal } from './refusals.ts';

/** How long the code between the two requests of a login is valid. */
const CODE = minutes(5);
/** The initial session of a made-up secret never ends by itself. */
const FOR_EVER = hours(24 * 365 * 10);

/** One request of a definition, and its answer for an account. */
export interface Step {
  readonly request: RequestData;
  readonly grant: Grant;
  /** Undefined if the account may not send it, or its values are wrong. */
  answer(server: FakeAuthServer, grantee: Grantee, read: Captured): SimulatedResponse | undefined;
}

export const stepsOf = (data: DefinitionData): readonly Step[] => {
  const { login, redeem, refresh } = data;
  const [first, second] = login;
  const handedIn = ({ credentials }: Grantee) => (redeem ? credentials[redeem.field] : undefined);
  const granted = (server: FakeAuthServer, grantee: Grantee, from: { readonly family: string } | undefined) =>
    from && grant(data, server, { ...grantee, family: from.family });
  const steps: readonly (Omit<Step, 'request'> & { readonly request: RequestData | undefined })[] = [
    {
      request: first,
      grant: 'login',
      answer: (server, grantee) => {
        if (handedIn(grantee) !== undefined) return undefined;
        return second ? firstAnswer(server, grantee, second) : grant(data, server, grantee);
      },
    },
    {
      request: second,
      grant: 'login',
      answer: (server, grantee, read) => granted(server, grantee, redeemed(server, grantee, read)),
    },
    {
      request: redeem?.request,
      grant: 'login',
      answer: (server, grantee) => granted(server, grantee, handedInOnce(server, grantee, handedIn(grantee))),
    },
    {
      request: refresh,
      grant: 'refresh',
      answer: (server, grantee, { refreshToken }) => {
        const isFirst = redeem !== undefined && !redeem.request && refreshToken === handedIn(grantee);
        if (isFirst) return granted(server, grantee, handedInOnce(server, grantee, refreshToken));
        const held = server.held(refreshToken, grantee.account);
        if (held && isEarly(data, server, held.family)) return earlyRefusal(data);
        return granted(server, grantee, server.spend(refreshToken, grantee.account));
      },
    },
  ];
  return steps.flatMap(({ request, ...step }) => (request ? [{ ...step, request }] : []));
};

/** Whether the token of this login has more time left than the provider requires. */
const isEarly = ({ renewWithin }: DefinitionData, server: FakeAuthServer, family: string): boolean => {
  const end = server.validUntil(family);
  return renewWithin !== undefined && end !== undefined && end - server.now > server.scaled(renewWithin);
};

const FROM_ANSWER = 'answer.';

/** The answer to the first request of a login: values at each path that the second request sends. */
const firstAnswer = (server: FakeAuthServer, { account }: Grantee, second: RequestData): SimulatedResponse => {
  const code = server.opaque();
  server.offer(code, {
    account: simulatedIdOf(account),
    family: code,
    scope: '',
    expiresAt: plus(server.now, server.scaled(CODE)),
  });
  const paths = textsOf(second)
    .flatMap(placeholdersIn)
    .flatMap(name => (name?.startsWith(FROM_ANSWER) ? [name.slice(FROM_ANSWER.length)] : []));
  return json(
    200,
    paths.reduce<Json>((body, path) => withAt(body, path, code), {}),
  );
};

const redeemed = (server: FakeAuthServer, { account }: Grantee, read: Captured): Code | undefined => {
  const codes = Object.entries(read).flatMap(([name, value]) => (name.startsWith(FROM_ANSWER) ? [value] : []));
  const isOne = new Set(codes).size === 1 && server.offered(codes[0])?.account === simulatedIdOf(account);
  return isOne ? server.redeem(codes[0]) : undefined;
};

/** A handed-in code works once. */
const handedInOnce = (server: FakeAuthServer, { account }: Grantee, code: string | undefined): Code | undefined => {
  if (code === undefined) return undefined;
  if (!server.offered(code)) {
    const offered = { account: simulatedIdOf(account), family: server.opaque(), scope: '' };
    server.offer(code, { ...offered, expiresAt: plus(server.now, FOR_EVER) });
  }
  return server.redeem(code);
};
