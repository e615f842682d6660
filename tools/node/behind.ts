/** A release of Node as the package `node-releases` lists it. */
export interface Release {
  readonly version: string;
  readonly security: boolean;
}

/** A sentence for each pin that is behind the newest security release of its line. */
export const behind = (pins: Readonly<Record<string, string>>, releases: readonly Release[]): readonly string[] =>
  Object.entries(pins).flatMap(([name, pin]) => {
    const [line] = numbersOf(pin);
    const patched = releases
      .filter(({ version, security }) => security && /^\d+\.\d+\.\d+$/.test(version) && numbersOf(version)[0] === line)
      .map(({ version }) => version)
      .toSorted(compare)
      .at(-1);
    if (patched === undefined || compare(pin, patched) >= 0) return [];
    return [`${name} is pinned at ${pin}, behind the security release ${patched}: take that or a newer one.`];
  });

const numbersOf = (version: string): readonly number[] => version.split('.').map(Number);

const compare = (a: string, b: string): number => {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  const at = left.findIndex((part, n) => part !== right[n]);
  return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
};
