import { expect } from 'vitest';
import { fromItem, toItem } from '../../lib/aws/item.ts';

/** The allowed size of an item, of DynamoDB's 400 kB. */
const LARGEST_ITEM = 96 * 1024;

/** Checks that a record survives the functions that write and read items. */
export const expectStorable = (schema: Parameters<typeof fromItem>[0], record: object): void => {
  const item = JSON.stringify(toItem(record));
  expect(Buffer.byteLength(item)).toBeLessThan(LARGEST_ITEM);
  // `JSON.stringify` escapes lone surrogates, which UTF-8 cannot carry.
  expect(item).not.toMatch(/\\ud[89a-f]/);
  expect(fromItem(schema, JSON.parse(item), 'Table')).toEqual(record);
};
