import type { Grant } from '../../../lib/core/provider.ts';
import { hours, minutes, plus } from '../../../lib/core/types.ts';
import type { DefinitionData, RequestData } from '../../../lib/definition/schema.ts';
import { placeholdersIn } from '../../../lib/definition/template.ts';
import { textsOf } from '../../../lib/definition/texts.ts';
import { idOf } from '../accounts.ts';
import type { Code, Desk, SimulatedResponse } from '../kit.ts';
import { json } from '../wire.ts';
import { type Grantee, grant } from './answers.ts';
import { type Json, withAt } from './json.ts';
import type { Captured } from './reading.ts';
import { earlyRefusal } from './refusals.ts';

/** How long the code between the two requests of a login can be used. */
const CODE = minutes(5);
/** What a made-up secret holds from the beginning never ends by itself. */
const FOR_EVER = hours(24 * 365 * 10);

/** One of the requests of a definition, and what it is answered if an account sent it. */
export interface Step {
  readonly request: RequestData;
  readonly grant: Grant;
  /** Nothing if the account may not send it, or what it holds is not good. */
  answer(desk: Desk, grantee: Grantee, read: Captured): SimulatedResponse | undefined;
}

export const stepsOf = (data: DefinitionData): readonly Step[] => {
  const { login, redeem, refresh } = data;
  const [first, second] = login;
  const handedIn = ({ credentials }: Grantee) => (redeem ? credentials[redeem.field] : undefined);
  const granted = (desk: Desk, grantee: Grantee, from: { readonly family: string } | undefined) =>
    from && grant(data, desk, { ...grantee, family: from.family });
  const steps: readonly (Omit<Step, 'request'> & { readonly request: RequestData | undefined })[] = [
    {
      request: first,
      grant: 'login',
      answer: (desk, grantee) => {
        if (handedIn(grantee) !== undefined) return undefined;
        return second ? firstAnswer(desk, grantee, second) : grant(data, desk, grantee);
      },
    },
    {
      request: second,
      grant: 'login',
      answer: (desk, grantee, read) => granted(desk, grantee, redeemed(desk, grantee, read)),
    },
    {
      request: redeem?.request,
      grant: 'login',
      answer: (desk, grantee) => granted(desk, grantee, handedInOnce(desk, grantee, handedIn(grantee))),
    },
    {
      request: refresh,
      grant: 'refresh',
      answer: (desk, grantee, { refreshToken }) => {
        const isFirst = redeem !== undefined && !redeem.request && refreshToken === handedIn(grantee);
        if (isFirst) return granted(desk, grantee, handedInOnce(desk, grantee, refreshToken));
        const held = desk.held(refreshToken, grantee.account);
        if (held && isEarly(data, desk, held.family)) return earlyRefusal(data);
        return granted(desk, grantee, desk.spend(refreshToken, grantee.account));
      },
    },
  ];
  return steps.flatMap(({ request, ...step }) => (request ? [{ ...step, request }] : []));
};

/** The token that came with the refresh token has more time left than the provider wants to see. */
const isEarly = ({ renewWithin }: DefinitionData, desk: Desk, family: string): boolean => {
  const end = desk.validUntil(family);
  return renewWithin !== undefined && end !== undefined && end - desk.now > desk.scaled(renewWithin);
};

const FROM_ANSWER = 'answer.';

/** The second request of a login sends what the first one answered, at each of these paths. */
const firstAnswer = (desk: Desk, { account }: Grantee, second: RequestData): SimulatedResponse => {
  const code = desk.opaque();
  desk.offer(code, { account: idOf(account), family: code, scope: '', expiresAt: plus(desk.now, desk.scaled(CODE)) });
  const paths = textsOf(second)
    .flatMap(placeholdersIn)
    .flatMap(name => (name?.startsWith(FROM_ANSWER) ? [name.slice(FROM_ANSWER.length)] : []));
  return json(
    200,
    paths.reduce<Json>((body, path) => withAt(body, path, code), {}),
  );
};

const redeemed = (desk: Desk, { account }: Grantee, read: Captured): Code | undefined => {
  const codes = Object.entries(read).flatMap(([name, value]) => (name.startsWith(FROM_ANSWER) ? [value] : []));
  const isOne = new Set(codes).size === 1 && desk.offered(codes[0])?.account === idOf(account);
  return isOne ? desk.redeem(codes[0]) : undefined;
};

/** What a person handed in is good for one use. */
const handedInOnce = (desk: Desk, { account }: Grantee, code: string | undefined): Code | undefined => {
  if (code === undefined) return undefined;
  if (!desk.offered(code)) {
    const offered = { account: idOf(account), family: desk.opaque(), scope: '' };
    desk.offer(code, { ...offered, expiresAt: plus(desk.now, FOR_EVER) });
  }
  return desk.redeem(code);
};
