import type { DefinitionData } from '../../lib/definition/schema.ts';
import type { SecretFields } from '../../lib/definition/secret.ts';
import { filled, type Values } from '../../lib/definition/template.ts';
import { valuesOf } from '../../lib/definition/values.ts';

/** The parts of credentials that may be shown: fields with `"secret": false`, and texts of the definition itself. */

const isShown = ({ fields }: DefinitionData, name: string, value: string | undefined): boolean => {
  const field = fields[name];
  if (field?.secret === false || field?.oneOf !== undefined) return true;
  return typeof field?.default === 'string' && field.default === value;
};

/** The shown values of placeholders. Without credentials, each field shows its name. */
export const shownValues = (data: DefinitionData, credentials: SecretFields | undefined): Values => {
  const known = credentials && valuesOf(data, credentials);
  const givenOr = (name: string): string | undefined => {
    const rule = data.fields[name]?.default;
    return known ? known(name) : typeof rule === 'string' ? rule : undefined;
  };
  const values: Values = name => {
    if (name === 'base') return addressOf(data.base, 'baseUrl') ?? '<base>';
    if (name === 'apiBase') return addressOf(data.apiBase ?? data.base, 'baseUrl') ?? '<apiBase>';
    if (!Object.hasOwn(data.fields, name)) return `<${name}>`;
    const value = givenOr(name);
    // An absent optional field omits its header.
    if (value === undefined && known) return undefined;
    const isDerived = typeof data.fields[name]?.default === 'object' && credentials?.[name] === undefined;
    return value !== undefined && (isDerived || isShown(data, name, value)) ? value : `<${name}>`;
  };
  const addressOf = (address: DefinitionData['base'], own: string): string | undefined => {
    if (credentials?.[own] !== undefined) return credentials[own];
    if (typeof address === 'string') return filled(address, values);
    if ('purpose' in address) return `<${own}>`;
    return filled(address.of[givenOr(address.by) ?? ''] ?? `<${own}>`, values);
  };
  return values;
};

/** Replaces secrets in lines, in any encoding that an answer may use. */
export const hiding = (data: DefinitionData, credentials: SecretFields = {}) => {
  const hidden = new Map<string, string>();
  const alsoHide = (name: string, value: string | undefined): void => {
    if (value === undefined || value === '') return;
    for (const each of [value, encodeURIComponent(value)]) hidden.set(each.toLowerCase(), `<${name}>`);
  };
  for (const name of Object.keys(data.fields)) {
    const value = credentials[name];
    if (value !== undefined && !isShown(data, name, value)) alsoHide(name, value);
  }
  /** Values shorter than `shortest` would also match parts of ordinary words. */
  const hide = (line: string, shortest = 4): string => {
    const found = [...hidden.keys()].filter(each => each.length >= shortest).toSorted((a, b) => b.length - a.length);
    if (found.length === 0) return line;
    return line.replace(new RegExp(found.map(escaped).join('|'), 'gi'), each => hidden.get(each.toLowerCase()) ?? '…');
  };
  return { hide, alsoHide };
};

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
