import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** The size of an item as DynamoDB counts it ("DynamoDB item sizes and formats" in its developer guide). */

type Item = Readonly<Record<string, AttributeValue>>;

const textSize = (text: string): number => Buffer.byteLength(text);

/** A byte for two significant digits, one more, and one more for a sign. */
const numberSize = (number: string): number => {
  const digits = number
    .replace(/^-/, '')
    .replace('.', '')
    .replace(/^0+|0+$/g, '');
  return Math.ceil(digits.length / 2) + 1 + (number.startsWith('-') ? 1 : 0);
};

/** Of a list or a map: 3 bytes, and 1 for each element. */
const nested = (elements: readonly number[]): number => elements.reduce((sum, size) => sum + size + 1, 3);

const valueSize = (value: AttributeValue): number => {
  if (value.S !== undefined) return textSize(value.S);
  if (value.N !== undefined) return numberSize(value.N);
  if (value.BOOL !== undefined || value.NULL !== undefined) return 1;
  if (value.L) return nested(value.L.map(valueSize));
  if (value.M) return nested(Object.entries(value.M).map(([name, each]) => textSize(name) + valueSize(each)));
  throw new Error(`no size is known of ${Object.keys(value).join()}`);
};

export const itemSize = (item: Item): number => {
  let size = 0;
  for (const name in item) {
    const value = item[name];
    if (value) size += textSize(name) + valueSize(value);
  }
  return size;
};

export const writeUnitsOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / 1024));

export const readUnitsOf = (bytes: number, consistent: boolean): number =>
  Math.max(1, Math.ceil(bytes / 4096)) * (consistent ? 1 : 0.5);
