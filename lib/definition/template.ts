/**
 * Texts with placeholders, such as `{base}/OAuth/Token`. They are substituted, never evaluated: a placeholder is a name, and
 * what it stands for is not looked at again.
 */

const PLACEHOLDER = /\{([^{}]*)\}/g;
const NAME = /^[A-Za-z][A-Za-z0-9_.-]*$/;

/** The names in a template, in their order; `undefined` for a placeholder that holds no name. */
export const placeholdersIn = (template: string): readonly (string | undefined)[] =>
  [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => (NAME.test(name) ? name : undefined));

/** Whether each brace belongs to a placeholder. */
export const isTemplate = (text: string): boolean =>
  !/[{}]/.test(text.replaceAll(PLACEHOLDER, '')) && !placeholdersIn(text).includes(undefined);

/** What a placeholder stands for; nothing if there is none. */
export type Values = (name: string) => string | undefined;

/** The text; nothing if one of its placeholders has no value that fits. */
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

/** The entries whose placeholders all have values: an optional field that is left out takes its header with it. */
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
