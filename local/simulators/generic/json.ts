import { isObject } from '../../../lib/core/json.ts';

export type Json = Readonly<Record<string, unknown>>;

/** The object with a value at a path, `data.token` for example. */
export const withAt = (json: Json, path: string, value: unknown): Json => {
  const [name = '', ...rest] = path.split('.');
  if (rest.length === 0) return { ...json, [name]: value };
  const inner = json[name];
  return { ...json, [name]: withAt(isObject(inner) ? inner : {}, rest.join('.'), value) };
};
