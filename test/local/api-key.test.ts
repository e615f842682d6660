import { describe, expect, it } from 'vitest';
import { apiKey, bears } from '../../local/api-key.ts';
import { UsageError } from '../../local/usage-error.ts';

describe('the key of the API', () => {
  it('is random on loopback if the environment has none, and never the same', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1']) expect(apiKey(undefined, host)).toMatch(/^[\w-]{32}$/);
    expect(apiKey(undefined, '127.0.0.1')).not.toBe(apiKey(undefined, '127.0.0.1'));
  });

  it('must be set if other machines can reach the API', () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1', '::ffff:127.0.0.1']) {
      expect(() => apiKey(undefined, host)).toThrow(UsageError);
      expect(() => apiKey(undefined, host)).toThrow(`--host ${host} opens the API to other machines`);
      expect(apiKey('invented-key-of-16', host)).toBe('invented-key-of-16');
    }
  });

  it('has at least 16 printable characters', () => {
    for (const key of ['', 'short', 'fifteen-charac.', 'with a blank in it', 'æøåæøåæøåæøåæøåæ']) {
      expect(() => apiKey(key, '127.0.0.1')).toThrow('at least 16 printable characters');
    }
  });

  it('is compared as a whole', () => {
    expect(bears('Bearer invented-key-of-16', 'invented-key-of-16')).toBe(true);
    expect(bears('bearer  invented-key-of-16', 'invented-key-of-16')).toBe(true);
    for (const header of [undefined, '', 'Bearer', 'Bearer invented-key-of-1', 'Basic invented-key-of-16']) {
      expect(bears(header, 'invented-key-of-16')).toBe(false);
    }
  });
});
