import { buildFunctions } from './functions.ts';
import { bundleLibraries } from './libraries.ts';
import { makeReference } from './reference.ts';
import { makeTypes } from './types.ts';

/**
 * Builds the package into `dist`. Fails if the public surface differs from its report in `tools/package/api`, or
 * docs/reference.md from the sources. `--accept` writes both.
 */
const accept = process.argv.includes('--accept');
await buildFunctions();
await bundleLibraries();
const unchanged = makeTypes(accept);
if (!makeReference(accept) || !unchanged) {
  console.error('The public surface or its comments have changed. If that is intended: npm run build -- --accept');
  process.exitCode = 1;
}
