import type { HttpReply, HttpRequest } from '../../lib/core/provider.ts';
import { epochMs, type Milliseconds } from '../../lib/core/types.ts';
import type { SendHttp } from '../../lib/ports.ts';
import { sendTo } from '../../local/simulators/index.ts';
import type { Damage, Faults } from './faults.ts';
import type { ProviderLedger } from './ledger.ts';
import { Locks } from './locks.ts';
import type { Loop } from './loop.ts';
import type { SimulatedProcess } from './process.ts';
import type { Random } from './random.ts';

type Simulators = Parameters<typeof sendTo>[0];
type Answer = Extract<HttpReply, { kind: 'answer' }>;

const never = (): Promise<never> => new Promise(() => {});
const answer = (status: number, body: string, headers: Record<string, string> = {}): Answer => ({
  kind: 'answer',
  status,
  headers,
  body,
});

/** The network to the providers: requests and answers get lost, late and damaged in it. */
export class SimulatedNetwork {
  readonly #loop: Loop;
  readonly #faults: Faults;
  readonly #random: Random;
  readonly #simulators: Simulators;
  readonly #url: string;
  readonly #ledger: ProviderLedger;
  readonly #locks: Locks;
  readonly #travel: Milliseconds;
  readonly #elsewhere: (request: HttpRequest) => HttpReply | undefined;

  constructor(
    loop: Loop,
    faults: Faults,
    random: Random,
    simulators: Simulators,
    url: string,
    ledger: ProviderLedger,
    travel: Milliseconds,
    elsewhere: (request: HttpRequest) => HttpReply | undefined,
  ) {
    this.#travel = travel;
    this.#loop = loop;
    this.#faults = faults;
    this.#random = random;
    this.#simulators = simulators;
    this.#url = url;
    this.#ledger = ledger;
    this.#locks = new Locks(
      () => loop.now,
      provider => ledger.violated(`an account of ${provider} was locked`),
    );
    this.#elsewhere = elsewhere;
  }

  /** The provider handles a request, now. */
  #handle(request: HttpRequest): Answer {
    const provider = request.url.slice(this.#url.length + 1).split('/', 1)[0] ?? '';
    const reply = this.#locks.answer(provider, request, () => {
      const there = sendTo(this.#simulators, this.#url, request);
      if (there.kind !== 'answer') throw new Error('a request went to nowhere');
      return there;
    });
    this.#ledger.handled(request, reply);
    return reply;
  }

  /** A request to another host than the providers'. */
  async #atTheNeighbours(process: SimulatedProcess, request: HttpRequest, deadline: number): Promise<HttpReply> {
    const reply = this.#elsewhere(request);
    await process.pause(reply ? Math.min(this.#random.between(10, 300), deadline) : deadline);
    return reply ?? { kind: 'failed', code: 'timeout', sent: true };
  }

  sender(process: SimulatedProcess): SendHttp {
    return async (request, deadline) => {
      if (process.dead) return never();
      this.#ledger.called(request);
      if (!this.#ledger.isHonest(request)) return this.#atTheNeighbours(process, request, deadline);
      const fate = this.#faults.ofNetwork(process.name);
      const there = this.#random.between(10, this.#travel);
      const wait = (duration: number) => process.pause(Math.min(duration, deadline));
      switch (fate.kind) {
        case 'unreachable':
          await wait(there);
          return { kind: 'failed', code: 'network', sent: false };
        case 'lost request':
          await wait(deadline);
          return { kind: 'failed', code: 'timeout', sent: true };
        case 'late':
          this.#loop.after(fate.by, () => this.#handle(request));
          await wait(deadline);
          return { kind: 'failed', code: 'timeout', sent: true };
        case 'crash before':
          process.kill();
          return never();
        case 'refused':
          await wait(there);
          return answer(
            fate.status,
            '<h1>not now</h1>',
            fate.retryAfter === undefined ? {} : { 'retry-after': String(fate.retryAfter) },
          );
      }
      await wait(there);
      const reply = this.#handle(request);
      if (fate.kind === 'lost answer') {
        await wait(deadline);
        return { kind: 'failed', code: 'timeout', sent: true };
      }
      if (fate.kind === 'crash after') {
        process.kill();
        return never();
      }
      await wait(there);
      return fate.kind === 'malformed' ? damaged(reply, fate.how) : reply;
    };
  }
}

const damaged = (reply: Answer, how: Damage): Answer => {
  switch (how) {
    case 'html':
      return answer(200, '<html><body>Maintenance</body></html>');
    case 'truncated':
      return answer(200, reply.body.slice(0, reply.body.length / 2));
    case 'empty':
      return answer(200, '');
    case 'no token':
      return answer(200, '{"ok":true}');
    case 'empty token':
      return answer(200, '{"access_token":"","expires_in":600}');
    case 'zero lifetime':
      return answer(200, reply.body.replace(/"expires_in":[\d.]+/, '"expires_in":0'));
    case 'gateway error':
      // A gateway that quotes what it could not pass on, including the token.
      return answer(502, `upstream sent: ${reply.body}`);
  }
};

export const SIMULATION_START = epochMs(Date.UTC(2026, 0, 1));
