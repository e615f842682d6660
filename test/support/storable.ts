import { expect } from 'vitest';
import { fromItem, toItem } from '../../lib/aws/item.ts';

/** What an item may take up, of the 400 kB that DynamoDB allows. */
const LARGEST_ITEM = 96 * 1024;

/** Through the functions that write and read items: the table gives back the whole record. */
export const expectStorable = (schema: Parameters<typeof fromItem>[0], record: object): void => {
  const item = JSON.stringify(toItem(record));
  expect(Buffer.byteLength(item)).toBeLessThan(LARGEST_ITEM);
  // `JSON.stringify` escapes lone surrogates, which UTF-8 cannot carry.
  expect(item).not.toMatch(/\\ud[89a-f]/);
  expect(fromItem(schema, JSON.parse(item), 'Table')).toEqual(record);
};
