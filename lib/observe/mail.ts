import type { ErrorCode } from '../core/errors.ts';
import type { ConnectionTrouble, Delivery, News, TroubleKind } from '../core/news.ts';
import { type EpochMs, type Listed, providerOf } from '../core/types.ts';

/** A mail in the format of the alarm topic: the subject has fewer than 100 characters of ASCII. */
export interface Mail {
  readonly subject: string;
  readonly text: string;
}

/** The sender of mails, and the page that they link to. */
export interface Sender {
  /** The deployment's name. */
  readonly name: string;
  /** The full URL of the runbook. */
  readonly runbook: string;
}

const SUBJECT = 99;
/** How many connections a summary names. */
const NAMED = 20;

const titles: Readonly<Record<TroubleKind, string>> = {
  attention: 'needs attention',
  'no-token': 'has no valid token',
  'life-low': 'has a valid token, but refreshes fail',
  overdue: 'is overdue for a refresh',
  expiring: 'expires soon',
};

/** The same before "since". */
const titlesSince: Readonly<Record<Exclude<TroubleKind, 'expiring'>, string>> = {
  attention: 'has needed attention',
  'no-token': 'has had no valid token',
  'life-low': 'has a valid token, but refreshes have failed',
  overdue: 'has been overdue for a refresh',
};

const titleOf = ({ kind, at }: ConnectionTrouble, now: EpochMs): string =>
  kind === 'expiring' && at <= now ? 'has expired' : titles[kind];

const CREDENTIALS =
  'The provider rejects the credentials. Update the secret; it is read within a minute and tried at the next tick.';
const REJECTED =
  'The provider rejects the request without saying why. Look for a proxy, a firewall or a blocked address on the way. Retries continue with growing pauses.';
const FIELDS = 'Correct the secret; it is read within a minute and tried at the next tick.';
const BY_ITSELF =
  'Refreshes are retried automatically. Check the provider’s status; if it works for others, check this secret.';
const LOGIN = 'A person has to log in at the provider and put the new code into the secret.';

/** What a person does about a code that needs attention. */
const adviceByCode: Partial<Readonly<Record<ErrorCode, string>>> = {
  invalid_client: CREDENTIALS,
  invalid_grant: CREDENTIALS,
  access_denied: CREDENTIALS,
  access_refused: REJECTED,
  request_rejected: REJECTED,
  invalid_request: REJECTED,
  secret_invalid: FIELDS,
  secret_malformed: FIELDS,
  code_already_redeemed: LOGIN,
  session_refused: LOGIN,
  unauthorized_client: 'The provider does not allow this grant for the application. Have the provider enable it.',
  unsupported_grant_type: 'The provider does not know this grant. Check the address and the definition.',
  invalid_scope: 'The application lacks a scope. Add it at the provider, or take it out of the secret.',
  subscription_key_refused: 'The provider rejects the subscription key. Update it in the secret.',
  account_restricted: 'The account is locked or restricted. Unlock it at the provider, then correct the secret.',
  secret_missing: 'The secret has no value, or lacks this key. Put the credentials into it, or delete it.',
  organisation_mismatch: 'The token is for another organisation than the secret names. Correct the secret.',
  address_refused: 'An address in the secret is not public or not https. Correct the secret.',
  service_uri_refused: 'The provider named an API on an unknown host. If it is right, allow the host in the settings.',
  session_in_doubt: `The only refresh token was sent and no answer came, so it may be spent. ${LOGIN} The current token stays valid meanwhile.`,
};

const advice: Readonly<Record<Exclude<TroubleKind, 'attention'>, string>> = {
  'no-token': BY_ITSELF,
  'life-low': BY_ITSELF,
  overdue:
    'The schedule of this provider does not run, or has too much to do. Check its refresh function and schedule.',
  expiring: 'Renew the credentials at the provider, or log in again, and update the secret.',
};

/** A mail about one connection. Codes, names and times only: no text from a provider or a secret except tags. */
export const mailOf = ({ record, fresh }: News, { name, runbook }: Sender, now: EpochMs): Mail => {
  return {
    subject: subjectOf(name, record.connection, fresh[0] ? titleOf(fresh[0], now) : ''),
    text: [
      ...fresh.map(trouble => `${record.connection} ${happened(trouble, now)}.`),
      '',
      ...factsOf(record, now),
      '',
      ...fresh.flatMap(trouble => [`What to do: ${whatToDo(trouble, record)}`, `${runbook}#${trouble.kind}`]),
      '',
    ].join('\n'),
  };
};

/** One mail about many connections: how many per provider and trouble, and the first of them by name. */
export const summaryOf = (news: readonly News[], { name, runbook }: Sender, now: EpochMs): Mail => {
  const groups = Map.groupBy(news, ({ record, fresh }) =>
    [providerOf(record.connection), fresh[0] ? titleOf(fresh[0], now) : '', record.lastError?.code ?? ''].join('|'),
  );
  const kinds = [...new Set(news.flatMap(({ fresh }) => fresh.map(({ kind }) => kind)))];
  const more = news.length - NAMED;
  return {
    subject: `${name}: ${news.length} connections are in trouble`,
    text: [
      `${news.length} connections are newly in trouble:`,
      ...[...groups].map(([group, members]) => {
        const [provider, title, code] = group.split('|');
        return `- ${members.length} of ${provider}: ${title}${code ? ` (${code})` : ''}`;
      }),
      '',
      ...news.slice(0, NAMED).map(({ record, fresh }) => lineOf(record, fresh, now)),
      ...(more > 0 ? [`and ${more} more: GET /connections?status=attention and ?status=failing list them all.`] : []),
      '',
      ...kinds.map(kind => `What to do: ${runbook}#${kind}`),
      'Further news about these providers comes in one mail after 15 minutes.',
      '',
    ].join('\n'),
  };
};

const lineOf = (record: Listed, fresh: readonly ConnectionTrouble[], now: EpochMs): string =>
  `${record.connection} ${fresh.map(trouble => happened(trouble, now)).join(', ')}; ${validity(record, now)}`;

const happened = ({ kind, at }: ConnectionTrouble, now: EpochMs): string =>
  kind === 'expiring' ? `${at > now ? 'expires' : 'expired'} at ${iso(at)}` : `${titlesSince[kind]} since ${iso(at)}`;

const factsOf = (record: Listed, now: EpochMs): string[] => [
  ...tagsOf(record),
  ...errorsOf(record),
  `Token: ${validity(record, now)}.`,
];

const tagsOf = ({ labels }: Listed): string[] =>
  Object.entries(labels?.tags ?? {}).map(([name, value]) => `Tag ${name}: ${value}`);

const errorsOf = ({ lastError }: Listed): string[] => {
  if (!lastError) return [];
  const status = lastError.status === undefined ? '' : `, HTTP status ${lastError.status}`;
  const fields = lastError.fields?.length ? `, fields: ${lastError.fields.join(', ')}` : '';
  return [`Last error: ${lastError.code}${status}${fields}, at ${iso(lastError.at)}.`];
};

const validity = ({ expiresAt }: Listed, now: EpochMs): string => {
  if (expiresAt === undefined) return 'there is none';
  return `${expiresAt > now ? 'valid until' : 'expired at'} ${iso(expiresAt)}`;
};

const whatToDo = ({ kind }: ConnectionTrouble, { lastError }: Listed): string => {
  if (kind !== 'attention') return advice[kind];
  return (lastError && adviceByCode[lastError.code]) ?? 'Look up the code in the runbook.';
};

const iso = (at: EpochMs): string => new Date(at).toISOString().replace('.000Z', 'Z');

/** Names are ASCII by their types. A long one is cut to leave room for the title. */
const subjectOf = (deployment: string, connection: string, title: string): string => {
  const room = SUBJECT - `${deployment}:  ${title}`.length;
  const shown = connection.length <= room ? connection : `${connection.slice(0, room - 3)}...`;
  return `${deployment}: ${shown} ${title}`;
};

/** Sends news as mails; `at` is the time of their judgement. */
export const mailing =
  (send: (mail: Mail) => Promise<void>, sender: Sender) =>
  async (news: readonly News[], how: Delivery['how'], at: EpochMs): Promise<void> => {
    if (how === 'summary') return send(summaryOf(news, sender, at));
    for (const each of news) await send(mailOf(each, sender, at));
  };
