import { isBuiltin } from 'node:module';
import { basename, join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { root } from './functions.ts';
import { bundledLicenses } from './licenses.ts';
import { writeChanged } from './write-changed.ts';

/** What people import: the source of each entry point. */
export const entries = {
  infra: 'infra/token-refresher.ts',
  client: 'lib/client/index.ts',
} as const;
/** The packages that an app has to have installed for it, or that it loads if it needs them. All are peers. */
const peers: Readonly<Record<LibraryEntry, readonly string[]>> = {
  infra: ['aws-cdk-lib', 'constructs'],
  client: ['@aws-sdk/client-dynamodb', '@aws-sdk/credential-provider-node'],
};
export type LibraryEntry = keyof typeof entries;
export const entryNames = Object.keys(entries) as LibraryEntry[];

/** CommonJS has no `import.meta`. */
const metaUrl = {
  define: { 'import.meta.url': 'metaUrl' },
  banner: { js: "const metaUrl = require('node:url').pathToFileURL(__filename).href;" },
};

/** The packages that a bundle imports. */
const importedBy = ({ outputs }: Metafile): readonly string[] =>
  Object.values(outputs).flatMap(({ imports }) =>
    imports
      .filter(({ external, path }) => external && !isBuiltin(path))
      .map(({ path }) => /^(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path),
  );

/** Bundles an entry point as ESM and as CommonJS: `dist/<entry>/index.mjs` and `index.cjs`. */
const bundle = async (entry: LibraryEntry): Promise<void> => {
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
      // Names and lines stay: Node prints the line of an error that nobody catches.
      minifySyntax: true,
      legalComments: 'none',
      external: ['aws-cdk-lib', 'constructs', '@aws-sdk/*', '@smithy/*'],
      ...more,
      ...{ metafile: true, write: false, logLevel: 'warning' },
    });
    const others = [...new Set(importedBy(metafile))].filter(name => !peers[entry].includes(name));
    if (others.length > 0) throw new Error(`${entry} imports ${others.join(', ')}, which an app may not have.`);
    for (const { path, contents } of outputFiles) writeChanged(join(folder, basename(path)), contents);
    return metafile;
  });
  writeChanged(join(folder, 'LICENSES.txt'), bundledLicenses(root, await Promise.all(built)));
};

export const bundleLibraries = async (): Promise<void> => {
  await Promise.all(entryNames.map(bundle));
};
