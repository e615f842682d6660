/**
 * Texts with placeholders, such as `{base}/OAuth/Token`. They are substituted, never evaluated: a placeholder is a
 * name, and its value is not searched for placeholders.
 */

const PLACEHOLDER = /\{([^{}]*)\}/g;
const NAME = /^[A-Za-z][A-Za-z0-9_.-]*$/;

/** The names in a template, in order; `undefined` for a placeholder without a valid name. */
export const placeholdersIn = (template: string): readonly (string | undefined)[] =>
  [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => (NAME.test(name) ? name : undefined));

/** Whether each brace belongs to a placeholder. */
export const isTemplate = (text: string): boolean =>
  !/[{}]/.test(text.replaceAll(PLACEHOLDER, '')) && !placeholdersIn(text).includes(undefined);

/** The value of a placeholder; undefined if it has none. */
export type Values = (name: string) => string | undefined;

/** The filled text; undefined if one of its placeholders has no valid value. */
export const filled = (
  template: string,
  values: Values,
  encode: (value: string, name: string, offset: number) => string | undefined = value => value,
): string | undefined => {
  let isComplete = true;
  const text = template.replace(PLACEHOLDER, (_, name: string, offset: number) => {
    const value = values(name);
    const encoded = value === undefined ? undefined : encode(value, name, offset);
    if (encoded === undefined) isComplete = false;
    return encoded ?? '';
  });
  return isComplete ? text : undefined;
};

/** The entries whose placeholders all have values: an absent optional field omits its header. */
export const filledAll = (
  templates: Readonly<Record<string, string>>,
  values: Values,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(templates).flatMap(([name, template]) => {
      const text = filled(template, values);
      return text === undefined ? [] : [[name, text]];
    }),
  );
