/** A release of Node as the package `node-releases` lists it. */
export interface Release {
  readonly version: string;
  readonly security: boolean;
}

/** When lines of Node are supported, by `v24` and the like; days as `2026-04-30`. */
export type Schedule = Readonly<Record<string, { readonly start: string; readonly end: string }>>;

export type Pins = Readonly<Record<string, string>>;

const EXACT = /^\d+\.\d+\.\d+$/;

/** A sentence for each pin that is a range or a tag: what it installs changes, and nobody can check that. */
export const inexact = (pins: Pins): readonly string[] =>
  Object.entries(pins)
    .filter(([, pin]) => !EXACT.test(pin))
    .map(([name, pin]) => `${name} must be pinned at one version such as 24.21.0, got "${pin}".`);

/** A sentence for each pin that is not exact, of an unsupported line, or behind the newest security release of its line. */
export const behind = (
  pins: Pins,
  releases: readonly Release[],
  schedule: Schedule,
  today: string,
): readonly string[] => [
  ...inexact(pins),
  ...Object.entries(pins).flatMap(([name, pin]) => {
    if (!EXACT.test(pin)) return [];
    const [line] = numbersOf(pin);
    const supported = schedule[`v${line}`];
    if (!supported || today < supported.start || today >= supported.end) {
      return [`${name} is pinned at ${pin}, of a line that is not supported: take a version of one that is.`];
    }
    const patched = releases
      .filter(({ version, security }) => security && EXACT.test(version) && numbersOf(version)[0] === line)
      .map(({ version }) => version)
      .toSorted(compare)
      .at(-1);
    if (patched === undefined || compare(pin, patched) >= 0) return [];
    return [`${name} is pinned at ${pin}, behind the security release ${patched}: take that or a newer one.`];
  }),
];

const numbersOf = (version: string): readonly number[] => version.split('.').map(Number);

const compare = (a: string, b: string): number => {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  const at = left.findIndex((part, n) => part !== right[n]);
  return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
};
