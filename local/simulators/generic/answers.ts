import { type EpochMs, hours, plus } from '../../../lib/core/types.ts';
import type { DefinitionData, TimeData } from '../../../lib/definition/schema.ts';
import type { Credentials } from '../../../lib/definition/secret.ts';
import { filled, placeholdersIn } from '../../../lib/definition/template.ts';
import { inUrl, valuesOf, withAnswer } from '../../../lib/definition/values.ts';
import { idOf, type SimulatedAccount } from '../accounts.ts';
import type { Desk, SimulatedResponse } from '../kit.ts';
import { inSeconds, json } from '../wire.ts';
import { type Json, withAt } from './json.ts';

/** Long enough to outlive many access tokens. */
const SESSION = hours(24 * 30);

type Part = readonly [path: string, value: unknown];

/** Whom a grant is for. */
export interface Grantee {
  readonly account: SimulatedAccount;
  /** What its secret says, without the fields that are not used. */
  readonly credentials: Credentials;
  /** The login that it came of; a new one if there is none. */
  readonly family?: string;
}

/** Issues a token, and a refresh token if the definition knows one, and answers in the terms of the definition. */
export const grant = (
  data: DefinitionData,
  desk: Desk,
  { account, credentials, family }: Grantee,
): SimulatedResponse => {
  const { answer, refresh, match, scopes } = data;
  const expiresAt = plus(desk.now, desk.scaled(data.lifetime));
  const endsAt = sessionEnd(data, desk, expiresAt);
  const matched = Object.entries(match).map(([path, field]) => [path, credentials[field]] as const);
  const claims = objectOf([
    ...addressesIn(data, 'claims', desk),
    ...sessionParts(data, desk, endsAt, 'claim'),
    ...matched,
    ['iat', inSeconds(desk.now)],
    ['exp', inSeconds(expiresAt)],
  ]);
  const accessToken = hasClaims(data) ? desk.jwt(claims) : desk.opaque();
  const refreshToken = refresh && desk.opaque();
  const body = objectOf([
    ['token_type', 'Bearer'],
    ['scope', scopes && credentials[scopes]],
    ...addressesIn(data, 'answer', desk),
    ...sessionParts(data, desk, endsAt, 'path'),
    ...matched,
    ...expiryParts(data, desk, expiresAt),
    [answer.refreshToken, refreshToken],
    [answer.token, accessToken],
  ]);
  const values = withAnswer(valuesOf(data, credentials, { token: accessToken }), { answer: body, claims });
  const [baseUrl = desk.url] = data.consumer.baseUrl.flatMap(each => filled(each, values, inUrl) ?? []);
  const common = { account: idOf(account), family: family ?? accessToken };
  const below = baseUrl.startsWith(desk.url) ? baseUrl.slice(desk.url.length) : '';
  desk.issue(accessToken, { ...common, expiresAt, below });
  if (refreshToken !== undefined) desk.hold(refreshToken, { ...common, endsAt });
  return json(200, body);
};

const objectOf = (parts: readonly Part[]): Json =>
  parts
    .filter(([, value]) => value !== undefined)
    .reduce<Json>((object, [path, value]) => withAt(object, path, value), {});

/** The token has to be a JWT if somebody reads its claims. */
const hasClaims = ({ consumer, answer }: DefinitionData): boolean =>
  answer.sessionEnd.some(each => 'claim' in each) ||
  namesIn([...consumer.baseUrl, ...Object.values(consumer.headers)], 'claims').length > 0;

const namesIn = (texts: readonly string[], from: 'answer' | 'claims'): readonly string[] =>
  texts.flatMap(placeholdersIn).filter(name => name?.startsWith(`${from}.`) === true) as string[];

/** What consumers are given of an answer: an address if it is at the beginning of one, otherwise a word. */
const addressesIn = ({ consumer }: DefinitionData, from: 'answer' | 'claims', desk: Desk): readonly Part[] =>
  namesIn([...consumer.baseUrl, ...Object.values(consumer.headers)], from).map(name => {
    const path = name.slice(from.length + 1);
    const isAddress = consumer.baseUrl.some(each => each.startsWith(`{${name}}`));
    return [path, isAddress ? desk.url : `made-up-${path.split('.').at(-1)}`];
  });

const expiryParts = ({ answer: { expiry } }: DefinitionData, desk: Desk, expiresAt: EpochMs): readonly Part[] =>
  expiry === 'never stated' ? [] : [[expiry.path, stated(expiresAt, expiry.as, desk)]];

const stated = (moment: EpochMs, as: TimeData['as'], desk: Desk): unknown => {
  if (as === 'seconds') return inSeconds(moment - desk.now);
  if (as === 'milliseconds') return moment - desk.now;
  if (as === 'epochSeconds') return inSeconds(moment);
  return as === 'date' ? new Date(moment).toISOString() : moment;
};

type Place = DefinitionData['answer']['sessionEnd'][number];

/** Whether a session ends when its access token does. */
const isOfToken = (place: TimeData, { answer: { expiry } }: DefinitionData): boolean =>
  place.claim === 'exp' || (expiry !== 'never stated' && place.path === expiry.path);

/** When a session ends that begins now. Nobody shortens a time that the definition itself states. */
const sessionEnd = (data: DefinitionData, desk: Desk, expiresAt: EpochMs): EpochMs => {
  const [first] = data.answer.sessionEnd;
  if (first && 'after' in first) return plus(desk.now, first.after);
  return first && isOfToken(first, data) ? expiresAt : plus(desk.now, desk.scaled(SESSION));
};

const sessionParts = (data: DefinitionData, desk: Desk, endsAt: EpochMs, where: 'path' | 'claim'): readonly Part[] =>
  data.answer.sessionEnd.flatMap((place: Place): readonly Part[] => {
    if ('after' in place || isOfToken(place, data)) return [];
    const path = place[where];
    return path === undefined ? [] : [[path, stated(endsAt, place.as, desk)]];
  });
