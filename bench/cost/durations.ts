/**
 * How long things take. Time on the network is assumed; CPU time is what the bundles of the functions need on one whole
 * CPU, and a function has a share of one by its memory. All in milliseconds.
 */

/** With this much memory, in MB, a function has one whole CPU. */
const WHOLE_CPU = 1769;
export const shareOf = (memory: number): number => Math.min(1, memory / WHOLE_CPU);

/** Between a call and its answer. */
export const network = {
  item: 5,
  page: 8,
  /** The names, a TLS handshake, and a token endpoint that thinks. */
  provider: 350,
} as const;

/** On one whole CPU. */
export const cpu = {
  /** The runtime, middy and the loggers. */
  invocation: 3,
  /** An SDK call that moves one item. */
  item: 1,
  /** An SDK call that lists: the call itself, and each entry. */
  page: 1,
  entry: 0.03,
  /** A TLS handshake with a token endpoint, and reading the token. */
  provider: 3,
} as const;

/** A function starts in a new environment: it is billed as well. */
export const COLD_START = 350;
/** Lambda keeps an environment that is in use for hours; one is enough to be on the safe side. */
export const ENVIRONMENT = 3_600_000;

/** Bytes that leave for a provider apart from the request: the TCP and TLS handshakes and all headers of packets. */
export const HANDSHAKE_BYTES = 1500;
