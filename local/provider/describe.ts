import type { DefinitionData, RequestData } from '../../lib/definition/schema.ts';
import type { SecretFields } from '../../lib/definition/secret.ts';
import { filled, filledAll, type Values } from '../../lib/definition/template.ts';
import { filledJson } from '../../lib/definition/values.ts';
import { shownValues } from './hide.ts';

/** The requests of a definition, as lines. Placeholders replace secret values. */
export const requestLines = (data: DefinitionData, credentials: SecretFields | undefined): readonly string[] => {
  const values = shownValues(data, credentials);
  const { login, redeem, refresh, revoke, assertion, consumer } = data;
  const [first, second] = login;
  const isHandedIn = redeem !== undefined && credentials?.[redeem.field] !== undefined;
  const isUsed = (what: 'login' | 'redeem') => credentials === undefined || isHandedIn === (what === 'redeem');
  const redemption = redeem && `What a person hands in once ("${redeem.field}")`;
  const block = (title: string | undefined, request: RequestData | undefined, more: SecretFields = {}) =>
    title !== undefined && request
      ? ['', title, ...indented(linesOf(request, name => more[name] ?? values(name)))]
      : [];
  const addresses = consumer.baseUrl.flatMap(each => filled(each, values) ?? []);
  return [
    ...(isUsed('login') ? block(second ? 'Login, first step' : 'Login', first) : []),
    ...(isUsed('login') ? block('Login, second step', second) : []),
    ...(isUsed('redeem')
      ? block(redemption, redeem?.request ?? refresh, redeem && { refreshToken: `<${redeem.field}>` })
      : []),
    ...block('Refresh', refresh, { refreshToken: '<refreshToken>' }),
    ...block('Revoke, if the secret is deleted', revoke),
    ...(assertion
      ? [
          '',
          `Assertion, signed with ${assertion.algorithm}`,
          ...indented(jsonLines({ ...filledAll(assertion.header, values), alg: assertion.algorithm })),
          ...indented(jsonLines(filledJson(assertion.claims, values))),
        ]
      : []),
    '',
    'Consumers send',
    ...indented(entries(consumer.headers, values, ': ')),
    ...indented([`to ${credentials?.apiBaseUrl ?? addresses.join(', otherwise ')}`]),
  ];
};

const linesOf = ({ method, url, query, basic, headers, form, json }: RequestData, values: Values): string[] => [
  `${method} ${filled(url, values) ?? url}`,
  ...entries(query ?? {}, values, '=').map((entry, n) => `${n === 0 ? '?' : '&'}${entry}`),
  'accept: application/json',
  ...(basic
    ? [
        `Authorization: Basic ${filled(basic.user, values) ?? ''}:${filled(basic.password, values) ?? ''}${basic.encoded ? ', form-encoded,' : ''} in base64`,
      ]
    : []),
  ...(form ? ['Content-Type: application/x-www-form-urlencoded'] : []),
  ...(json ? ['Content-Type: application/json'] : []),
  ...entries(headers, values, ': '),
  ...(form ? ['', ...entries(form, values, '=')] : []),
  ...(json ? ['', ...jsonLines(filledJson(json, values))] : []),
];

const entries = (templates: Readonly<Record<string, string>>, values: Values, between: string): string[] =>
  Object.entries(filledAll(templates, values)).map(([name, text]) => `${name}${between}${text}`);

const jsonLines = (value: unknown): string[] => JSON.stringify(value, undefined, 2).split('\n');

const indented = (lines: readonly string[]): string[] => lines.map(line => (line === '' ? '' : `  ${line}`));
