/**
 * The durations of the parts of a call, in milliseconds. Time on the network is assumed. CPU time is measured on one
 * whole CPU with the bundles of the functions; a function has a share of a CPU that depends on its memory.
 */

/** With this much memory, in MB, a function has one whole CPU. */
const WHOLE_CPU = 1769;
export const shareOf = (memory: number): number => Math.min(1, memory / WHOLE_CPU);

/** Between a call and its answer. */
export const network = {
  item: 5,
  page: 8,
  /** Name look-up, TLS handshake, and a slow token endpoint. */
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

/** The start of a function in a new environment, which is billed too. */
export const COLD_START = 350;
/** Lambda keeps a busy environment for hours; one hour is a cautious assumption. */
export const ENVIRONMENT = 3_600_000;

/** Bytes sent to a provider in addition to the request: TCP and TLS handshakes, and packet headers. */
export const HANDSHAKE_BYTES = 1500;
