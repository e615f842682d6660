import type { Tokens } from './fetch.ts';
import { isReplayable } from './outgoing.ts';
import type { CurrentToken } from './token.ts';
import { unlessAborted } from './unless-aborted.ts';

/** What undici 7 and 8 dispatch, by its structure. */
interface DispatchOptions {
  readonly origin?: string | URL | undefined;
  readonly headers?: unknown;
  readonly body?: unknown;
  /** Undici takes an event emitter too. */
  readonly signal?: unknown;
}

interface DispatchHandler {
  onRequestStart?(controller: never, context: unknown): void;
  onRequestUpgrade?(controller: never, status: number, headers: never, socket: never): void;
  onResponseStart?(controller: never, status: number, headers: never, message?: string): void;
  onResponseData?(controller: never, chunk: never): void;
  onResponseEnd?(controller: never, trailers: never): void;
  onResponseError?(controller: never, error: Error): void;
}

type Dispatch<Options, Handler> = (options: Options, handler: Handler) => boolean;

/** What the interceptor does with a dispatch function. */
export type UndiciInterceptor = <Options extends DispatchOptions, Handler extends DispatchHandler>(
  dispatch: Dispatch<Options, Handler>,
) => Dispatch<Options, Handler>;

/** In undici 7, and in 8 at first, a `Client` or a `Pool` passes requests to interceptors without their origin. */
const NO_ORIGIN =
  'A request with a token must have an "origin": pass it, or compose an Agent instead of a Client or a Pool.';

/**
 * Adds the headers of a connection's token to requests to the origin of its base URL, and to no other. A refused
 * request (401) is repeated once with a newer token, unless its body is a stream.
 */
export const interceptorWith =
  (tokens: Tokens, connection: string): UndiciInterceptor =>
  dispatch =>
  (options, handler) => {
    const signal = options.signal instanceof AbortSignal ? options.signal : undefined;
    const failed = (error: Error) => handler.onResponseError?.(null as never, error);
    const repeat = async (refused: CurrentToken, deliver: () => void) => {
      const renewal = tokens.renew(refused).catch(() => undefined);
      const newer = await unlessAborted(signal, renewal);
      if (newer && isReplayable(options.body) && isAt(options, newer)) dispatch(withToken(options, newer), handler);
      else deliver();
    };
    const send = async () => {
      if (options.origin === undefined) throw new TypeError(NO_ORIGIN);
      const token = await unlessAborted(signal, tokens.get(connection));
      if (!isAt(options, token)) return dispatch(options, handler);
      const refusable = new Refusable(handler, deliver => repeat(token, deliver).catch(failed));
      // It has every method of a handler.
      return dispatch(withToken(options, token), refusable as DispatchHandler as typeof handler);
    };
    send().catch(failed);
    return true;
  };

const isAt = ({ origin }: DispatchOptions, { baseUrl }: CurrentToken): boolean =>
  origin !== undefined && new URL(origin).origin === new URL(baseUrl).origin;

/** An interceptor nearer to the network must not follow redirects: it would take the token along. */
const withToken = <Options extends DispatchOptions>(options: Options, { headers }: CurrentToken): Options => {
  const names = new Set(Object.keys(headers).map(name => name.toLowerCase()));
  const own = pairsOf(options.headers).filter(([name]) => !names.has(String(name).toLowerCase()));
  return { ...options, headers: [...own, ...Object.entries(headers)].flat(1), maxRedirections: 0 };
};

/** Undici takes a flat list, pairs, or an object. */
const pairsOf = (headers: unknown): readonly (readonly [unknown, unknown])[] => {
  if (typeof headers !== 'object' || headers === null) return [];
  if (Array.isArray(headers) && !Array.isArray(headers[0])) {
    return headers.flatMap((name, n) => (n % 2 === 0 ? [[name, headers[n + 1]] as const] : []));
  }
  return Symbol.iterator in headers ? [...(headers as Iterable<readonly [unknown, unknown]>)] : Object.entries(headers);
};

/** Holds a 401 back until it is known whether the request is repeated. */
class Refusable implements DispatchHandler {
  readonly #to: DispatchHandler;
  readonly #refused: (answer: () => void) => void;
  /** The calls that deliver the 401. */
  #held: (() => void)[] | undefined;

  constructor(to: DispatchHandler, refused: (answer: () => void) => void) {
    this.#to = to;
    this.#refused = refused;
  }

  onRequestStart(controller: never, context: unknown): void {
    this.#to.onRequestStart?.(controller, context);
  }

  onRequestUpgrade(controller: never, status: number, headers: never, socket: never): void {
    this.#to.onRequestUpgrade?.(controller, status, headers, socket);
  }

  onResponseStart(controller: never, status: number, headers: never, message?: string): void {
    if (status === 401) this.#held = [];
    this.#deliver(() => this.#to.onResponseStart?.(controller, status, headers, message));
  }

  onResponseData(controller: never, chunk: never): void {
    this.#deliver(() => this.#to.onResponseData?.(controller, chunk));
  }

  onResponseEnd(controller: never, trailers: never): void {
    const held = this.#held;
    this.#deliver(() => this.#to.onResponseEnd?.(controller, trailers));
    if (held) this.#refused(() => held.forEach(call => void call()));
  }

  onResponseError(controller: never, error: Error): void {
    this.#to.onResponseError?.(controller, error);
  }

  #deliver(call: () => void): void {
    if (this.#held) this.#held.push(call);
    else call();
  }
}
