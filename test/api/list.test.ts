import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../lib/core/policy.ts';
import { type Connection, type ConnectionId, epochMs, type Status } from '../../lib/core/types.ts';
import { type ApiWorld, apiWorld } from '../kit/api-world.ts';
import type { Hooks } from '../kit/memory.ts';
import { connectionOf, idOf, START } from '../kit/records.ts';

interface Listed {
  readonly connections: readonly { readonly connection: string; readonly status: string }[];
  readonly cursor: string | null;
}

const pageOf = async (world: ApiWorld, query: Record<string, string>): Promise<Listed> => {
  const { status, json } = await world.call('GET', '/connections', query);
  expect(status).toBe(200);
  return json as unknown as Listed;
};

/** All pages, one after the other. */
const pagesOf = async (world: ApiWorld, query: Record<string, string>): Promise<Listed[]> => {
  const pages: Listed[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await pageOf(world, { ...query, ...(cursor && { cursor }) });
    pages.push(page);
    cursor = page.cursor;
  }
  return pages;
};

const idsOf = (pages: readonly Listed[]) =>
  pages.flatMap(({ connections }) => connections.map(each => each.connection));

const filled = async (ids: readonly ConnectionId[], of: (n: number) => Partial<Connection> = () => ({})) => {
  const hooks: Hooks = {};
  const world = apiWorld(hooks);
  for (const [n, id] of ids.entries()) await world.connections.add(connectionOf(id, of(n)));
  return { world, hooks };
};
const many = (count: number, provider = 'poweroffice-v2') =>
  Array.from({ length: count }, (_, n) => idOf(`c-${n}`, provider));

/** How many queries there were since. */
const queriesOf = (hooks: Hooks): (() => number) => {
  const operations: string[] = [];
  hooks.before = async operation => void operations.push(operation);
  return () => operations.filter(operation => operation === 'connections.page').length;
};

describe('pages of connections', () => {
  it('hold 100 unless a reader wants another number, in the order of ids, each once', async () => {
    const { world } = await filled([...many(150), ...many(100, 'petrosoft')]);
    const pages = await pagesOf(world, {});
    expect(pages.map(({ connections }) => connections.length)).toEqual([100, 100, 50]);
    expect(idsOf(pages)).toEqual([...many(150), ...many(100, 'petrosoft')].toSorted());
    expect((await pageOf(world, { limit: '7' })).connections).toHaveLength(7);
  });

  it('hold everything once and in order, whatever the ids and the limit', async () => {
    const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,5}$/);
    const id = fc
      .tuple(fc.constantFrom('poweroffice-v2', 'petrosoft'), name, fc.option(name))
      .map(([provider, first, key]) => idOf(key === null ? first : `${first}/${key}`, provider));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(id, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), async (ids, limit) => {
        const { world } = await filled(ids);
        const pages = await pagesOf(world, { limit: String(limit) });
        expect(idsOf(pages)).toEqual(ids.toSorted());
        for (const page of pages.slice(0, -1)) expect(page.connections).toHaveLength(limit);
      }),
      { numRuns: 50 },
    );
  });

  it('end without a cursor if nothing follows', async () => {
    const { world } = await filled(many(10));
    expect((await pageOf(world, { limit: '10' })).cursor).toBeNull();
    expect((await pageOf(world, { limit: '9' })).cursor).not.toBeNull();
  });

  it('of 10,000 connections read little', async () => {
    const { world, hooks } = await filled(many(10_000));
    const queries = queriesOf(hooks);
    await pageOf(world, { limit: '100' });
    // One of each shard, and a few more if names are spread unevenly.
    expect(queries()).toBeLessThanOrEqual(2 * 8 + 4);
  });

  it('with a filter for one among 10,000 end after 2,000, with a cursor to continue from', async () => {
    const { world, hooks } = await filled(many(10_000), n => ({ status: n === 9_999 ? 'attention' : 'new' }));
    const queries = queriesOf(hooks);
    const first = await pageOf(world, { status: 'attention', limit: '1' });
    expect(first.connections).toEqual([]);
    expect(first.cursor).not.toBeNull();
    expect(queries()).toBeLessThanOrEqual(2000 / 25 + 2 * 8);
    const pages = await pagesOf(world, { status: 'attention', limit: '1' });
    expect(idsOf(pages)).toEqual(['poweroffice-v2/c-9999']);
    expect(pages.length).toBeLessThanOrEqual(6);
  });

  it('look at those that are retired too, and show them not', async () => {
    const { world } = await filled(many(3000), n => (n === 1 ? {} : { retiredAt: START }));
    const pages = await pagesOf(world, { limit: '500' });
    expect(idsOf(pages)).toEqual(['poweroffice-v2/c-1']);
    expect(pages).toHaveLength(2);
  });
});

describe('a filter', () => {
  const statuses: readonly Status[] = ['new', 'healthy', 'failing', 'attention'];
  const mixed = () =>
    filled([...many(8), ...many(2, 'petrosoft')], n => ({
      status: statuses[n % 4] ?? 'new',
      issuedAt: START,
      expiresAt: epochMs(n < 4 ? START + 1 : START - 1),
    }));

  it.each([
    ['new', 3],
    ['healthy', 1],
    ['expired', 2],
    ['failing', 2],
    ['attention', 2],
    ['attention,failing', 4],
    ['new,healthy,failing,attention,expired', 10],
  ])('of status %s finds the connections that have it', async (status, count) => {
    const { world } = await mixed();
    const { connections } = await pageOf(world, { status });
    expect(connections).toHaveLength(count);
    for (const each of connections) expect(status.split(',')).toContain(each.status);
  });

  it('of a provider finds its connections', async () => {
    const { world } = await mixed();
    expect(idsOf([await pageOf(world, { provider: 'petrosoft' })])).toEqual(['petrosoft/c-0', 'petrosoft/c-1']);
    const pages = await pagesOf(world, { provider: 'poweroffice-v2', limit: '3' });
    expect(idsOf(pages)).toHaveLength(8);
  });

  it('of a provider that is not deployed is refused with the names of those that are', async () => {
    const { world } = await mixed();
    const answer = await world.call('GET', '/connections', { provider: 'ioffice' });
    expect(answer).toMatchObject({ status: 400, json: { code: 'malformed_request' } });
    expect(answer.json.detail).toBe('"provider" must be one of poweroffice-v2, petrosoft.');
  });

  it('leaves out connections of providers that are not deployed any more', async () => {
    const { world } = await filled([idOf('a', 'officernd'), ...many(1)]);
    expect(idsOf(await pagesOf(world, {}))).toEqual(['poweroffice-v2/c-0']);
  });
});

it('the providers sort as their ids do, also if one is the beginning of another', async () => {
  const world = apiWorld();
  const providers = new Map(['a', 'a-b', 'a0'].map(id => [id, defaultPolicy]));
  const ids = ['a/x', 'a-b/x', 'a0/x', 'a/z', 'a-b/z', 'a0/z'];
  for (const id of ids) {
    const [provider = '', name = ''] = id.split('/');
    await world.connections.add(connectionOf(idOf(name, provider)));
  }
  const found: unknown[] = [];
  for (let cursor: unknown = ''; cursor !== null; ) {
    const query: Record<string, string> = { limit: '1', ...(cursor !== '' && { cursor: String(cursor) }) };
    const { json } = await world.call('GET', '/connections', query, { providers });
    found.push(...(json as unknown as Listed).connections.map(each => each.connection));
    cursor = json.cursor;
  }
  expect(found).toEqual(ids.toSorted());
});
