import { allShards } from '../core/shard.ts';
import type { ConnectionSummary, Page } from '../ports.ts';
import type { ConnectionView } from './answers.ts';
import type { ApiDeps } from './deps.ts';
import { type HttpAnswer, jsonAnswer, problem } from './problem.ts';
import { cursorOf, type ListRequest } from './route.ts';
import { connectionView } from './views.ts';

/** A request reads at most this many connections. With a filter a page may end there before it is full. */
const LOOKED_AT = 2000;
const SMALLEST_QUERY = 25;

/** A page of the connections, sorted by id, without retired ones. */
export const list = async (deps: ApiDeps, request: ListRequest): Promise<HttpAnswer> => {
  const { limit, after, statuses, provider } = request;
  const deployed = [...deps.providers.keys()];
  if (provider !== undefined && !deployed.includes(provider)) {
    return problem('malformed_request', `"provider" must be one of ${deployed.join(', ')}.`);
  }
  const now = deps.clock.now();
  const connections: ConnectionView[] = [];
  let last = after;
  let looked = 0;
  // Ids spread evenly over the shards: usually a page takes one query of each.
  const size = Math.max(SMALLEST_QUERY, Math.ceil((2 * limit) / allShards.length));
  for await (const each of inOrder(deps, provider === undefined ? deployed : [provider], after ?? '', size)) {
    if (last && (connections.length === limit || looked === LOOKED_AT)) {
      return jsonAnswer({ connections, cursor: cursorOf(last) });
    }
    last = each.connection;
    looked += 1;
    const view = connectionView(each, now);
    if (each.retiredAt === undefined && (statuses?.includes(view.status) ?? true)) connections.push(view);
  }
  return jsonAnswer({ connections, cursor: null });
};

/** The connections of some providers after `after`, sorted by id. */
async function* inOrder(
  { connections }: ApiDeps,
  providers: readonly string[],
  after: string,
  size: number,
): AsyncGenerator<ConnectionSummary> {
  for (const provider of providers.toSorted((a, b) => (`${a}/` < `${b}/` ? -1 : 1))) {
    // All ids of a provider sort before `<provider>0`, since `0` follows the slash.
    if (after >= `${provider}0`) continue;
    const shards = allShards.map(
      shard => new Pages(behind => connections.page(provider, shard, { after: behind, limit: size }), after),
    );
    for (;;) {
      const heads = (await Promise.all(shards.map(shard => shard.head()))).filter(head => head !== undefined);
      const [first, ...others] = heads;
      if (!first) break;
      const least = others.reduce((a, b) => (b.connection < a.connection ? b : a), first);
      for (const shard of shards) shard.drop(least);
      yield least;
    }
  }
}

/** A shard, read page by page. */
class Pages {
  readonly #read: (after: string) => Promise<Page>;
  #page: readonly ConnectionSummary[] = [];
  #index = 0;
  #next: string | undefined;

  constructor(read: (after: string) => Promise<Page>, after: string) {
    this.#read = read;
    this.#next = after;
  }

  /** The first connection that was not taken yet. */
  async head(): Promise<ConnectionSummary | undefined> {
    while (this.#index === this.#page.length && this.#next !== undefined) {
      const { connections, next } = await this.#read(this.#next);
      this.#page = connections;
      this.#index = 0;
      this.#next = next;
    }
    return this.#page[this.#index];
  }

  drop(connection: ConnectionSummary): void {
    if (this.#page[this.#index] === connection) this.#index += 1;
  }
}
