import type { PathFault } from './checks.ts';
import type { DefinitionData } from './schema.ts';
import { ADDRESSES, namesIn, templatesOf } from './texts.ts';

/** References to missing fields, and alternatives that can never be used. */
export const fieldFaults = (data: DefinitionData): readonly PathFault[] => [
  ...strangers(data),
  ...alternativeFaults(data),
];

/** References to fields that are not defined. */
const strangers = (data: DefinitionData): readonly PathFault[] =>
  usesOf(data)
    .filter(([, field]) => field !== undefined && !Object.hasOwn(data.fields, field))
    .map(([path, field]) => ({ path, message: `names "${field}", which is not one of "fields"` }));

/** All references to fields, with their paths. */
const usesOf = (data: DefinitionData): readonly (readonly [path: string, field: string | undefined])[] => {
  const {
    fields,
    locks,
    rateLimit,
    scopes,
    match,
    alternatives = [],
    sessionOf = [],
    base,
    apiBase,
    redeem,
    assertion,
  } = data;
  const rules = Object.entries(fields).flatMap(([name, { default: rule }]) =>
    typeof rule === 'object' ? [[`fields.${name}.default.if`, rule.if] as const] : [],
  );
  return [
    ...rules,
    ['locks.user', locks?.user],
    ['locks.password', locks?.password],
    ['rateLimit.sharedBy', rateLimit?.sharedBy],
    ['scopes', scopes],
    ['redeem.field', redeem?.field],
    ['assertion.key', assertion?.key],
    ...Object.entries(match).map(([path, field]) => [`match.${path}`, field] as const),
    ...sessionOf.map(field => ['sessionOf', field] as const),
    ...alternatives.flat().map(field => ['alternatives', field] as const),
    ...[base, apiBase].flatMap((address, n) =>
      typeof address === 'object' && 'by' in address ? [[`${ADDRESSES[n]}.by`, address.by] as const] : [],
    ),
    ...[base, apiBase].flatMap((address, n) =>
      templatesOf(address)
        .flatMap(namesIn)
        .map(field => [ADDRESSES[n] ?? '', field] as const),
    ),
  ];
};

/** Every alternative must be usable: the first complete one is used. */
const alternativeFaults = ({ alternatives = [], fields }: DefinitionData): readonly PathFault[] => [
  ...alternatives.flatMap((group, n) =>
    alternatives.slice(0, n).some(before => before.every(name => group.includes(name)))
      ? [
          {
            path: `alternatives.${n}`,
            message: 'is never used: an earlier one is complete whenever it is. Put it first',
          },
        ]
      : [],
  ),
  ...[...new Set(alternatives.flat())]
    .filter(name => fields[name]?.default !== undefined)
    .map(name => ({
      path: `fields.${name}.default`,
      message: 'must not be set for a field of "alternatives": the field would always have a value',
    })),
];
