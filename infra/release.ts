/** The version of the package. `npm run release` writes it. */
export const RELEASE = '0.1.0';
