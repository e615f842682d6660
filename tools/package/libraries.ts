import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { root } from './functions.ts';
import { bundledLicenses } from './licenses.ts';
import { writeChanged } from './write-changed.ts';

/** What people import: the source of each entry point. */
export const entries = {
  infra: 'infra/token-refresher.ts',
  client: 'lib/client/index.ts',
} as const;
export type Entry = keyof typeof entries;
export const entryNames = Object.keys(entries) as Entry[];

/** CommonJS has no `import.meta`. */
const metaUrl = {
  define: { 'import.meta.url': 'metaUrl' },
  banner: { js: "const metaUrl = require('node:url').pathToFileURL(__filename).href;" },
};

/** Bundles an entry point as ESM and as CommonJS: `dist/<entry>/index.mjs` and `index.cjs`. */
const bundle = async (entry: Entry): Promise<void> => {
  const folder = join(root, 'dist', entry);
  const formats = [
    { format: 'esm', extension: 'mjs', more: {} },
    { format: 'cjs', extension: 'cjs', more: metaUrl },
  ] as const;
  const built = formats.map(async ({ format, extension, more }) => {
    const { outputFiles, metafile } = await build({
      absWorkingDir: root,
      entryPoints: [entries[entry]],
      outfile: join(folder, `index.${extension}`),
      bundle: true,
      platform: 'node',
      target: 'node20',
      format,
      // A stack trace of somebody else's app should be readable: names stay.
      minifySyntax: true,
      minifyWhitespace: true,
      legalComments: 'none',
      external: ['aws-cdk-lib', 'constructs', '@aws-sdk/*', '@smithy/*'],
      ...more,
      ...{ metafile: true, write: false, logLevel: 'warning' },
    });
    for (const { path, contents } of outputFiles) writeChanged(join(folder, basename(path)), contents);
    return metafile;
  });
  writeChanged(join(folder, 'LICENSES.txt'), bundledLicenses(root, await Promise.all(built)));
};

export const bundleLibraries = async (): Promise<void> => {
  await Promise.all(entryNames.map(bundle));
};
