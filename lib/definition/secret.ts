import * as z from 'zod';
import {
  apiBaseUrl,
  baseUrl,
  baseUrlOverride,
  basicUser,
  headerText,
  hostLabel,
  oneOf,
  pathPart,
  privateKey,
  text,
} from './fields.ts';
import type { DefinitionData } from './schema.ts';
import { placeholdersIn } from './template.ts';
import { templatesOf } from './texts.ts';

/** The checked fields of a secret, all of them texts. */
export type SecretFields = Readonly<Record<string, string | undefined>>;
export type SecretSchema = z.ZodObject<Record<string, z.ZodType<string | undefined>>>;

/** The schema of the secret. Fields that go into a header, a URL, or the user of HTTP Basic are restricted. */
export const secretSchemaOf = (data: DefinitionData): SecretSchema => {
  const { fields, base, alternatives } = data;
  const kindOf = kinds(data);
  const isAlternative = new Set(alternatives?.flat());
  const schemaOf = ([name, field]: [string, DefinitionData['fields'][string]]) => {
    const schema = field.oneOf ? oneOf(field.oneOf) : kindOf(name)(field.purpose);
    if (typeof field.default === 'string') return schema.default(field.default);
    return field.optional || field.default || isAlternative.has(name) ? schema.optional() : schema;
  };
  const object = z.object({
    ...Object.fromEntries(Object.entries(fields).map(entry => [entry[0], schemaOf(entry)])),
    baseUrl: typeof base === 'object' && 'purpose' in base ? baseUrl(base.purpose) : baseUrlOverride,
    apiBaseUrl,
  });
  return alternatives ? withOneOf(object, alternatives) : object;
};

const kinds = (data: DefinitionData) => {
  const { login, redeem, refresh, consumer, base, apiBase, fields, assertion } = data;
  const requests = [...login, redeem?.request, refresh].flatMap(each => (each ? [each] : []));
  const named = (all: readonly string[]) => new Set(all.flatMap(placeholdersIn));
  const addresses = [base, apiBase].flatMap(templatesOf);
  const inHosts = named(addresses.map(each => each.split('/', 3).join('/')));
  const inPaths = named([...requests.map(({ url }) => url), ...addresses, ...consumer.baseUrl]);
  const inHeaders = named([...requests, consumer].flatMap(({ headers }) => Object.values(headers)));
  const users = named(requests.flatMap(each => (each.basic ? [each.basic.user] : [])));
  // The refresh request sends the one-time code under the name of the refresh token.
  const isIn = (names: ReadonlySet<string | undefined>, name: string) =>
    names.has(name) || (name === redeem?.field && names.has('refreshToken'));
  return (name: string) => (what: string) => {
    if (fields[name]?.privateKey) return privateKey(what, assertion?.algorithm ?? 'RS256');
    const all = [
      ...(isIn(inHosts, name) ? [hostLabel(what)] : []),
      ...(isIn(inPaths, name) ? [pathPart(what)] : []),
      ...(isIn(inHeaders, name) ? [headerText(what)] : []),
      ...(isIn(users, name) ? [basicUser(what)] : []),
    ];
    return all.reduce<z.ZodType<string, string>>((checked, next) => checked.pipe(next), text(what));
  };
};

/** Checked even if other fields are wrong: all missing fields are reported at once. */
const withOneOf = (schema: SecretSchema, alternatives: readonly (readonly string[])[]): SecretSchema => {
  const [first = [], ...others] = alternatives;
  const quoted = (group: readonly string[]) => group.map(name => `"${name}"`).join(' and ');
  const error = `is missing: add ${quoted(first)}, or ${others.map(quoted).join(', or ')} in ${first.length > 1 ? 'their' : 'its'} place`;
  const isThere = (fields: SecretFields, group: readonly string[]) => group.every(name => (fields[name] ?? '') !== '');
  return first.reduce(
    (checked, field) =>
      checked.refine(fields => isThere(fields, [field]) || others.some(group => isThere(fields, group)), {
        path: [field],
        error,
        when: () => true,
      }),
    schema,
  );
};

/** Removes the fields of unused alternatives: the first complete one counts. */
export const chosen = ({ alternatives }: DefinitionData, credentials: SecretFields): SecretFields => {
  if (!alternatives) return credentials;
  const used = alternatives.find(group => group.every(name => credentials[name] !== undefined)) ?? [];
  const left = new Set(alternatives.flat().filter(name => !used.includes(name)));
  return Object.fromEntries(Object.entries(credentials).filter(([name]) => !left.has(name)));
};
