import { spawnSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { root } from './functions.ts';
import { entries, entryNames, type LibraryEntry } from './libraries.ts';

const declarations = join(root, 'dist', 'types');
const reports = join(root, 'tools', 'package', 'api');

/** The model of an entry point's public surface: what `api-reference.ts` reads. */
export const modelOf = (entry: LibraryEntry): string => join(declarations, `${entry}.api.json`);

const emit = (): void => {
  const { status } = spawnSync('npx', ['tsc', '--project', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('The types do not compile.');
};

/**
 * Rolls the types of an entry point up into one file, for ESM and for CommonJS, and compares its public surface with
 * the report in `tools/package/api`. With `accept` the report is written instead.
 */
const rollUp = (entry: LibraryEntry, accept: boolean): boolean => {
  const folder = join(root, 'dist', entry);
  const rolled = join(folder, 'index.d.mts');
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: join(root, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: join(declarations, entries[entry].replace(/\.ts$/, '.d.ts')),
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            ...{ target: 'es2024', lib: ['es2024'], module: 'nodenext', moduleResolution: 'nodenext' },
            ...{ types: ['node'], strict: true, skipLibCheck: true },
          },
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${entry}.api.md`,
        reportFolder: reports,
        reportTempFolder: declarations,
      },
      docModel: { enabled: true, apiJsonFilePath: modelOf(entry) },
      dtsRollup: { enabled: true, untrimmedFilePath: rolled },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        // This project marks nothing as @public, and every exported name is.
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Error },
          'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
          // Helper types such as those of undici's handlers are seen in the report, and have no name for others.
          'ae-forgotten-export': { logLevel: ExtractorLogLevel.None },
          // `TokenRefresherBase` implements documented members; `reference.ts` checks all others.
          'ae-undocumented': { logLevel: ExtractorLogLevel.None },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
  const { succeeded } = Extractor.invoke(config, { localBuild: accept });
  copyFileSync(rolled, join(folder, 'index.d.cts'));
  return succeeded;
};

/** Makes the types of all entry points; false if a public surface differs from its report. */
export const makeTypes = (accept: boolean): boolean => {
  rmSync(declarations, { recursive: true, force: true });
  emit();
  return entryNames.map(entry => rollUp(entry, accept)).every(Boolean);
};
