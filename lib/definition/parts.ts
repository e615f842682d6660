import * as z from 'zod';
import { areHeaders, fitsHeader } from '../core/limits.ts';
import { hours, type Milliseconds, minutes, seconds } from '../core/types.ts';
import { isTemplate } from './template.ts';

/** The building blocks of a definition. */

const units = { s: seconds, m: minutes, h: hours, d: (days: number) => hours(24 * days) } as const;
const LONGEST = hours(24 * 3650);
export const durationText = z
  .string()
  .regex(/^\d+(?:\.\d+)?[smhd]$/, { error: 'must be a time such as "90s", "20m", "8h" or "30d"' })
  .transform((text): Milliseconds => units[text.at(-1) as keyof typeof units](Number.parseFloat(text)))
  .refine(time => time > 0 && time <= LONGEST, { error: 'must be longer than 0 and at most "3650d"' });

export const sentence = z.string().min(1, { error: 'must not be empty' });
export const template = z.string().refine(isTemplate, {
  error: 'has a brace that is not part of a placeholder: write placeholders as "{clientId}"',
});
export const templateRecord = z.record(z.string().min(1), template);
/** Headers by name. A value from a placeholder is checked once it is known. */
export const headers = z.record(
  z.string().refine(name => areHeaders({ [name]: '' }), { error: 'must be the name of a header' }),
  template.refine(text => text === '' || fitsHeader(text), { error: 'has a character that no header can carry' }),
);
/** A JSON value whose texts are templates. */
export type JsonTemplate =
  | string
  | number
  | boolean
  | readonly JsonTemplate[]
  | { readonly [name: string]: JsonTemplate };
export const jsonTemplate: z.ZodType<JsonTemplate> = z
  .lazy(() =>
    z.union([template, z.number(), z.boolean(), z.array(jsonTemplate), z.record(z.string().min(1), jsonTemplate)], {
      error: 'must be a text, a number, true, false, a list or an object',
    }),
  )
  .meta({ id: 'json' });
export const fieldName = z.string().regex(/^[A-Za-z][A-Za-z0-9_]*$/, {
  error: 'must be a name of letters, digits and "_" that begins with a letter',
});
export const path = z.string().regex(/^[A-Za-z0-9_$:/-]+(?:\.[A-Za-z0-9_$:/-]+)*$/, {
  error: 'must be a path in the answer, such as "access_token" or "data.token"',
});
