import type { DefinitionData, JsonTemplate, RequestData } from './schema.ts';

/** The templates in the parts of a definition. */

/** All templates of a request. */
export const textsOf = (request: RequestData | undefined): readonly string[] => {
  if (!request) return [];
  const { url, basic, headers, query = {}, form = {}, json = {} } = request;
  const parts = [headers, query, form].flatMap(part => Object.values(part));
  return [url, ...(basic ? [basic.user, basic.password] : []), ...parts, ...leavesOf(json)];
};

/** The templates in a JSON value. */
export const leavesOf = (json: JsonTemplate): readonly string[] => {
  if (typeof json === 'string') return [json];
  return typeof json === 'object' ? Object.values(json).flatMap(leavesOf) : [];
};

/** The templates of an address. */
export const templatesOf = (address: DefinitionData['apiBase']): readonly string[] => {
  if (typeof address === 'string') return [address];
  return address && 'of' in address ? Object.values(address.of) : [];
};
