import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { afterAll, expect, test } from 'vitest';
import { bundledFunction } from '../../infra/function.ts';

const outdir = mkdtempSync(join(tmpdir(), 'bundles-'));
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

test('a function holds one file; its source map stays here', () => {
  const app = new App({ outdir });
  bundledFunction(new Stack(app, 'Mine'), 'Watch', {
    source: 'watch',
    description: 'Watches',
    environment: {},
    timeout: Duration.minutes(1),
    logRetention: RetentionDays.ONE_DAY,
  });
  app.synth();
  const [asset = '', ...others] = readdirSync(outdir).filter(name => name.startsWith('asset.'));
  expect(others).toEqual([]);
  expect(readdirSync(join(outdir, asset))).toEqual(['index.js']);
  expect(readFileSync(join(outdir, asset, 'index.js'), 'utf8')).not.toContain('sourceMappingURL');
  const payload = JSON.parse(readFileSync(join(outdir, 'source-maps', 'watch.js.map'), 'utf8'));
  const sources: string[] = payload.sources;
  expect(sources.some(source => source.endsWith('functions/watch/handler.ts'))).toBe(true);
  expect(new SourceMap(payload).findEntry(20, 0)).toHaveProperty('originalSource');
}, 60_000);
