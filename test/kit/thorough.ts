/** How many cases a property is tried with: a fifth of them, unless the environment asks for all, as CI does. */
export const cases = (all: number): number => (process.env.THOROUGH === undefined ? Math.ceil(all / 5) : all);
