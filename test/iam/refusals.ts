import { type Call, SECRETS_KEY } from './calls.ts';
import { forcePath, readPath } from './paths.ts';
import { FOREIGN, GRANTED, NEIGHBOUR, PACKED } from './readers.ts';

/** A call that must be refused: an allowed call with one change. */
export interface Refusal {
  readonly what: string;
  readonly twin: Call;
  /** The change. */
  readonly but: Partial<Call>;
}

const OWN = 'officernd';
const OTHER = 'ioffice';
const OTHER_ACCOUNT = '210987654321';
const THIS_ACCOUNT = '123456789012';
const REFRESH = `Refresh/${OWN}`;
const WATCH = 'Watch/Watch';
const API = 'Api/Api';
const SCHEDULE = `Schedules/refresh-${OWN}`;
const ONE_TOKEN = 'Readers/OneToken';
const ONE_SECRET = 'Readers/OneSecret';
const ONE_PROVIDER = 'Readers/OneProvider';
const ONE_ROUTE = 'Readers/OneRoute';
const ALL_ROUTES = 'Readers/AllRoutes';
const LIST_ROUTE = 'Readers/ListRoute';
const STRANGER = 'Readers/Stranger';

const secretOf = (connection: string) => `token-refresher/${connection}`;
const shardOf = (provider: string) => `${provider}#3`;
const sessionsOf = (provider: string) => `${provider}#sessions`;
const limitsOf = (provider: string) => `${provider}#limits`;
const loginsOf = (provider: string) => `${provider}#logins`;

const token = (as: string, does = 'GetItem', connection = GRANTED): Call => ({
  as,
  does: `dynamodb:${does}`,
  on: 'Tokens',
  keys: [connection],
});
const record = (as: string, does: string, key = shardOf(OWN)): Call => ({
  as,
  does: `dynamodb:${does}`,
  on: 'Connections',
  keys: [key],
});
const secret = (as: string): Call => ({ as, does: 'secretsmanager:GetSecretValue', on: secretOf(GRANTED) });
const tableKey = (as: string): Call => ({ as, does: 'kms:Decrypt', on: 'Storage/Key', via: 'dynamodb' });
const secretsKey = (as: string): Call => ({
  as,
  does: 'kms:Decrypt',
  on: SECRETS_KEY,
  via: 'secretsmanager',
  secret: secretOf(GRANTED),
});
const invoke = (as: string): Call => ({ as, does: 'lambda:Invoke', on: `Refresh/${OWN}Function` });
const letter = (as: string): Call => ({ as, does: 'sqs:SendMessage', on: 'DeadLetters' });
const event = (as: string): Call => ({ as, does: 'events:PutEvents', on: 'Events' });
const mail = (as: string): Call => ({ as, does: 'sns:Publish', on: 'Alarms/Topic' });
const mailKey = (does: string): Call => ({ as: WATCH, does: `kms:${does}`, on: 'Storage/Key', via: 'sns' });
const log = (as: string): Call => ({ as, does: 'logs:PutLogEvents', on: `${as}Logs` });
const read = (as: string): Call => ({ as, does: 'execute-api:GET', on: readPath(GRANTED) });
const list: Call = { as: LIST_ROUTE, does: 'execute-api:GET', on: '/connections' };
const force = (as: string): Call => ({ as, does: 'execute-api:POST', on: forcePath(GRANTED) });

const row = (what: string, twin: Call, but: Partial<Call>): Refusal => ({ what, twin, but });

const secrets: readonly Refusal[] = [
  row('the secret of another provider', secret(REFRESH), { on: secretOf(FOREIGN) }),
  row('the secret of a provider whose name begins alike', secret(REFRESH), { on: `token-refresher/${OWN}-2/loft` }),
  ...[REFRESH, WATCH].flatMap(as => [
    row('a secret of another prefix', secret(as), { on: `another-app/${GRANTED}` }),
    row('a secret of a prefix that begins alike', secret(as), { on: `token-refresher-old/${GRANTED}` }),
    row('writing a secret', secret(as), { does: 'secretsmanager:PutSecretValue' }),
    row('deleting a secret', secret(as), { does: 'secretsmanager:DeleteSecret' }),
  ]),
  row('the secret of an unknown provider', secret(WATCH), { on: secretOf('unknown/loft') }),
  ...[API, ONE_TOKEN, ONE_PROVIDER, ALL_ROUTES, SCHEDULE].map(as => row('a secret', secret(WATCH), { as })),
  ...[REFRESH, API, ONE_TOKEN].map(as =>
    row('listing secrets', { as: WATCH, does: 'secretsmanager:ListSecrets', on: '' }, { as }),
  ),
];

const tokens: readonly Refusal[] = [
  ...['GetItem', 'PutItem', 'DeleteItem'].map(does =>
    row('a token of another provider', token(REFRESH, does), { keys: [FOREIGN] }),
  ),
  row('a token of a provider whose name begins alike', token(REFRESH), { keys: [`${OWN}-2/loft`] }),
  row('a token that is named by its provider', token(REFRESH), { keys: [OWN] }),
  row('publishing a token', token(API), { does: 'dynamodb:PutItem' }),
  row('withdrawing a token', token(API), { does: 'dynamodb:DeleteItem' }),
  row('publishing a token', token(WATCH, 'DeleteItem'), { does: 'dynamodb:PutItem' }),
  ...[REFRESH, WATCH, API].map(as =>
    row('a key of the other table', token(as, as === WATCH ? 'DeleteItem' : 'GetItem'), { on: 'Connections' }),
  ),
  row('a token of an unknown provider', token(WATCH, 'DeleteItem'), { keys: ['unknown/loft'] }),
  row('a token of an unknown provider', token(API), { keys: ['unknown/loft'] }),
  row('the token of another connection', token(ONE_TOKEN), { keys: [NEIGHBOUR] }),
  row('the token of a connection whose name begins alike', token(ONE_TOKEN), { keys: [`${GRANTED}-2`] }),
  row('a connection of a secret of that name', token(ONE_TOKEN), { keys: [`${GRANTED}/oslo`] }),
  row('a pattern in place of a name', token(ONE_TOKEN), { keys: [`${OWN}/*`] }),
  row('anything in place of a name', token(ONE_TOKEN), { keys: ['*'] }),
  row('a connection of another secret', token(ONE_SECRET, 'GetItem', `${PACKED}/oslo`), {
    keys: [`${NEIGHBOUR}/oslo`],
  }),
  row('a token of the other table', token(ONE_SECRET, 'GetItem', `${PACKED}/oslo`), { on: 'Connections' }),
  row('publishing a token', token(ONE_SECRET, 'GetItem', `${PACKED}/oslo`), { does: 'dynamodb:PutItem' }),
  row('the secret’s own name', token(ONE_SECRET, 'GetItem', `${PACKED}/oslo`), { keys: [PACKED] }),
  row('a token of another provider', token(ONE_PROVIDER), { keys: [FOREIGN] }),
  row('a token of a provider whose name begins alike', token(ONE_PROVIDER), { keys: [`${OWN}-2/loft`] }),
  ...[ONE_TOKEN, ONE_PROVIDER].flatMap(as => [
    row('publishing a token', token(as), { does: 'dynamodb:PutItem' }),
    row('withdrawing a token', token(as), { does: 'dynamodb:DeleteItem' }),
    row('the table of connections', token(as), { on: 'Connections' }),
  ]),
  ...[REFRESH, API, ONE_TOKEN, ONE_PROVIDER].flatMap(as =>
    ['Scan', 'Query', 'BatchGetItem', 'UpdateItem'].map(does =>
      row(`${does} of tokens`, token(as), { does: `dynamodb:${does}` }),
    ),
  ),
  row('Scan of tokens', token(WATCH, 'DeleteItem'), { does: 'dynamodb:Scan' }),
  ...[ONE_ROUTE, ALL_ROUTES, LIST_ROUTE, STRANGER, SCHEDULE].map(as =>
    row('a token of the table', token(ONE_TOKEN), { as }),
  ),
];

const connections: readonly Refusal[] = [
  ...['GetItem', 'Query', 'UpdateItem'].map(does =>
    row('a connection of another provider', record(REFRESH, does), { keys: [shardOf(OTHER)] }),
  ),
  row('sessions of another provider', record(REFRESH, 'GetItem', sessionsOf(OWN)), { keys: [sessionsOf(OTHER)] }),
  row('ending a session', record(REFRESH, 'DeleteItem', sessionsOf(OWN)), { as: API }),
  row('listing sessions', record(REFRESH, 'GetItem', sessionsOf(OWN)), { does: 'dynamodb:Query' }),
  row('sessions in another table', record(REFRESH, 'PutItem', sessionsOf(OWN)), { on: 'Tokens' }),
  row('changing a session', record(REFRESH, 'PutItem', sessionsOf(OWN)), { does: 'dynamodb:UpdateItem' }),
  row('limits of another provider', record(REFRESH, 'PutItem', limitsOf(OWN)), { keys: [limitsOf(OTHER)] }),
  row('deleting limits', record(REFRESH, 'PutItem', limitsOf(OWN)), { does: 'dynamodb:DeleteItem' }),
  ...['GetItem', 'PutItem'].map(does =>
    row('logins of another provider', record(REFRESH, does, loginsOf(OWN)), { keys: [loginsOf(OTHER)] }),
  ),
  row('deleting logins', record(REFRESH, 'PutItem', loginsOf(OWN)), { does: 'dynamodb:DeleteItem' }),
  row('listing logins', record(REFRESH, 'GetItem', loginsOf(OWN)), { does: 'dynamodb:Query' }),
  row('logins in another table', record(REFRESH, 'PutItem', loginsOf(OWN)), { on: 'Tokens' }),
  row('limits in another table', record(REFRESH, 'PutItem', limitsOf(OWN)), { on: 'Tokens' }),
  ...[REFRESH, WATCH, API].map(as =>
    row('a key of the other table', record(as, as === WATCH ? 'DeleteItem' : 'GetItem'), { on: 'Tokens' }),
  ),
  row('adding a connection', record(WATCH, 'PutItem'), { as: REFRESH }),
  row('removing a connection', record(WATCH, 'DeleteItem'), { as: REFRESH }),
  ...['Query', 'PutItem', 'UpdateItem', 'DeleteItem'].flatMap(does => [
    row('sessions', record(WATCH, does), { keys: [sessionsOf(OWN)] }),
    row('logins', record(WATCH, does), { keys: [loginsOf(OWN)] }),
    row('limits', record(WATCH, does), { keys: [limitsOf(OWN)] }),
    row('a connection of an unknown provider', record(WATCH, does), { keys: [shardOf('unknown')] }),
  ]),
  ...['GetItem', 'Query'].flatMap(does => [
    row('sessions', record(API, does), { keys: [sessionsOf(OWN)] }),
    row('logins', record(API, does), { keys: [loginsOf(OWN)] }),
    row('limits', record(API, does), { keys: [limitsOf(OWN)] }),
    row('a connection of an unknown provider', record(API, does), { keys: [shardOf('unknown')] }),
  ]),
  ...[WATCH, API, ONE_TOKEN, ONE_PROVIDER, STRANGER].map(as =>
    row('sessions', record(REFRESH, 'GetItem', sessionsOf(OWN)), { as }),
  ),
  ...['PutItem', 'UpdateItem', 'DeleteItem'].map(does =>
    row(`${does} of a connection`, record(API, 'GetItem'), { does: `dynamodb:${does}` }),
  ),
  ...[REFRESH, WATCH, API].flatMap(as =>
    ['Scan', 'BatchGetItem'].map(does =>
      row(`${does} of connections`, record(as, 'Query'), { does: `dynamodb:${does}` }),
    ),
  ),
  ...[ONE_TOKEN, ONE_PROVIDER, ONE_ROUTE, ALL_ROUTES, STRANGER, SCHEDULE].map(as =>
    row('a connection', record(API, 'GetItem'), { as }),
  ),
];

const keys: readonly Refusal[] = [
  ...[REFRESH, WATCH, API, ONE_TOKEN, ONE_SECRET, ONE_PROVIDER].flatMap(as => [
    row('the key of the tables, directly', tableKey(as), { via: undefined }),
    row('the key of the tables by another service', tableKey(as), { via: 's3' }),
    row('encrypting with the key of the tables', tableKey(as), { does: 'kms:Encrypt' }),
    row('another key', tableKey(as), { on: 'another-key' }),
  ]),
  ...[ONE_ROUTE, ALL_ROUTES, STRANGER, SCHEDULE].map(as => row('the key of the tables', tableKey(ONE_TOKEN), { as })),
  ...['Decrypt', 'GenerateDataKey'].flatMap(does => [
    row('the key of the topic, directly', mailKey(does), { via: undefined }),
    row('the key of the topic by another service', mailKey(does), { via: 's3' }),
    row('a grant of the key', mailKey(does), { does: 'kms:CreateGrant' }),
    row('another key', mailKey(does), { on: 'another-key' }),
    ...[REFRESH, API, ONE_TOKEN, STRANGER].map(as => row('the key of the topic', mailKey(does), { as })),
  ]),
  row('the key of the tables to encrypt', mailKey('GenerateDataKey'), { via: 'dynamodb' }),
  row('the key of secrets for a secret of another provider', secretsKey(REFRESH), { secret: secretOf(FOREIGN) }),
  ...[REFRESH, WATCH].flatMap(as => [
    row('the key of secrets for a secret of another prefix', secretsKey(as), { secret: `another-app/${GRANTED}` }),
    row('the key of secrets, directly', secretsKey(as), { via: undefined }),
    row('the key of secrets by another service', secretsKey(as), { via: 'dynamodb' }),
    row('encrypting with the key of secrets', secretsKey(as), { does: 'kms:Encrypt' }),
    row('another key', secretsKey(as), { on: 'another-key' }),
  ]),
  ...[API, ONE_TOKEN, STRANGER].map(as => row('the key of secrets', secretsKey(WATCH), { as })),
];

const functions: readonly Refusal[] = [
  row('the function of another provider', invoke(SCHEDULE), { on: `Refresh/${OTHER}Function` }),
  row('the watch', invoke(API), { on: 'Watch/WatchFunction' }),
  ...[API, SCHEDULE].map(as => row('changing a function', invoke(as), { does: 'lambda:UpdateFunctionCode' })),
  ...[REFRESH, WATCH, ONE_TOKEN, ALL_ROUTES, STRANGER].map(as => row('a refresh function', invoke(API), { as })),
];

const surroundings: readonly Refusal[] = [
  ...[REFRESH, WATCH].flatMap(as => [
    row('another event bus', event(as), { on: 'default' }),
    row('deleting the event bus', event(as), { does: 'events:DeleteEventBus' }),
  ]),
  ...[API, ONE_TOKEN].map(as => row('the event bus', event(REFRESH), { as })),
  row('another topic', mail(WATCH), { on: 'another-topic' }),
  row('mails over plain HTTP', mail(WATCH), { secure: false }),
  row('subscribing to mails', mail(WATCH), { does: 'sns:Subscribe' }),
  ...[REFRESH, API, ONE_TOKEN, STRANGER].map(as => row('mails', mail(WATCH), { as })),
  ...[REFRESH, WATCH, SCHEDULE].flatMap(as => [
    row('another queue', letter(as), { on: 'another-queue' }),
    row('dead letters over plain HTTP', letter(as), { secure: false }),
    row('reading dead letters', letter(as), { does: 'sqs:ReceiveMessage' }),
  ]),
  ...[API, ONE_TOKEN, STRANGER].map(as => row('dead letters', letter(REFRESH), { as })),
  ...[REFRESH, WATCH, API].flatMap(as => [
    row('the log of another function', log(as), { on: `Refresh/${OTHER}Logs` }),
    row('deleting a log', log(as), { does: 'logs:DeleteLogStream' }),
  ]),
];

const cloudwatch = 'cloudwatch.amazonaws.com';
const alarm: Call = { as: cloudwatch, does: 'sns:Publish', on: 'Alarms/Topic', from: THIS_ACCOUNT };
const alarmKey: Call = { as: cloudwatch, does: 'kms:GenerateDataKey', on: 'Storage/Key', from: THIS_ACCOUNT };
const group = (name: string) => `arn:aws:scheduler:us-east-1:${THIS_ACCOUNT}:schedule-group/${name}`;
const httpApi = (id: string) => `arn:aws:execute-api:us-east-1:${THIS_ACCOUNT}:${id}/$default/GET/connections`;

/** Services that act as themselves, for deployed resources. */
const services = (scheduleGroup: string, apiId: string): readonly Refusal[] => {
  const assume = { as: 'scheduler.amazonaws.com', does: 'sts:AssumeRole', on: SCHEDULE, from: group(scheduleGroup) };
  const assumed = { as: 'lambda.amazonaws.com', does: 'sts:AssumeRole', on: REFRESH };
  const gateway = {
    as: 'apigateway.amazonaws.com',
    does: 'lambda:Invoke',
    on: 'Api/ApiFunction',
    from: httpApi(apiId),
  };
  return [
    row('alarms of another account', alarm, { from: OTHER_ACCOUNT }),
    row('alarms over plain HTTP', alarm, { secure: false }),
    row('alarms of another service', alarm, { as: 'events.amazonaws.com' }),
    row('the key for alarms of another account', alarmKey, { from: OTHER_ACCOUNT }),
    row('the key for another service', alarmKey, { as: 'events.amazonaws.com' }),
    row('a grant of the key', alarmKey, { does: 'kms:CreateGrant' }),
    row('the role of a schedule for another group', assume, { from: group('another-group') }),
    row('the role of a schedule for another account', assume, { from: OTHER_ACCOUNT }),
    row('the role of a schedule for another service', assume, { as: 'lambda.amazonaws.com' }),
    row('the role of a function for another service', assumed, { as: 'scheduler.amazonaws.com' }),
    row('the role of a function for a role', assumed, { as: STRANGER }),
    row('another HTTP API', gateway, { from: httpApi('anotherapi') }),
    row('a refresh function for the HTTP API', gateway, { on: `Refresh/${OWN}Function` }),
  ];
};

const others = [
  readPath(NEIGHBOUR),
  readPath(FOREIGN),
  readPath(`${OWN}/*`),
  readPath(`${GRANTED}-2`),
  readPath(`${GRANTED}/oslo`),
  readPath(`${OWN}/%68arbour-desks`),
  readPath(`${OWN}%2Fharbour-desks`),
  readPath(`${GRANTED}/../harbour-desks`),
  readPath(`${GRANTED}%2F..%2Fharbour-desks`),
  readPath(`${OWN}/loft%2Foslo`),
  `/${readPath(GRANTED)}`,
  '/connections',
];

const routes: readonly Refusal[] = [
  ...others.map(on => row(`GET ${on}`, read(ONE_ROUTE), { on })),
  ...[forcePath(NEIGHBOUR), forcePath(`${OWN}/*`), forcePath(`${OWN}%2Fharbour-desks`)].map(on =>
    row(`POST ${on}`, force(ONE_ROUTE), { on }),
  ),
  ...[ONE_ROUTE, ALL_ROUTES].flatMap(as => [
    row('deleting by the HTTP API', read(as), { does: 'execute-api:DELETE' }),
    row('the list of connections', read(as), { on: '/connections' }),
    row('a path beyond the tokens', read(as), { on: '/nowhere' }),
  ]),
  ...[STRANGER, ONE_TOKEN, REFRESH, API, LIST_ROUTE].map(as => row('the HTTP API', read(ONE_ROUTE), { as })),
  row('changing the list of connections', list, { does: 'execute-api:POST' }),
  ...[readPath(GRANTED), '/connections/', '/nowhere'].map(on => row(`GET ${on}`, list, { on })),
  ...[STRANGER, ONE_TOKEN, ONE_ROUTE, ALL_ROUTES, REFRESH, WATCH, API].map(as =>
    row('the list of connections', list, { as }),
  ),
];

export const refusalsIn = (scheduleGroup: string, apiId: string): readonly Refusal[] => [
  ...secrets,
  ...tokens,
  ...connections,
  ...keys,
  ...functions,
  ...surroundings,
  ...services(scheduleGroup, apiId),
  ...routes,
];
