import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { awsStores } from '../kit/aws.ts';
import { type EmbeddedOnPort, startEmbeddedOnPort } from '../kit/embedded.ts';
import { connectionOf, idOf, tokenFor } from '../kit/records.ts';

type Put = (...args: unknown[]) => Promise<void>;
const native = ClassicLevel.prototype as unknown as { _put: Put };
const noSpace = () =>
  Object.assign(new Error('IO error: /data/000003.log: No space left on device'), { code: 'LEVEL_IO_ERROR' });

let now: number;
let folder: string;
let embedded: EmbeddedOnPort;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'token-refresher-'));
  now = Date.UTC(2026, 0, 1);
  embedded = await startEmbeddedOnPort({ folder, now: () => now });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await embedded.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a write that fails on a full disk', () => {
  const [old, failed, later] = ['old', 'failed', 'later'].map(name => tokenFor(idOf(name)));
  if (!old || !failed || !later) throw new Error('there are three tokens');

  it('is refused, as is every other until the database has been opened again; reads still work', async () => {
    const { tokens } = await awsStores({ endpoint: embedded.endpoint });
    await tokens.publish(old);
    const put = vi.spyOn(native, '_put').mockRejectedValue(noSpace());
    // The disk has room for what is tried first: it is opened again at once, and the write fails again.
    await expect(tokens.publish(failed)).rejects.toMatchObject({ code: 'store_failed' });
    expect(await tokens.get(old.connection)).toEqual(old);
    put.mockRestore();
    await expect(tokens.publish(later)).rejects.toMatchObject({ code: 'store_failed' });
    now += 1000;
    expect(await tokens.publish(later)).toBe(true);
    expect(await tokens.get(old.connection)).toEqual(old);
    expect(await tokens.get(later.connection)).toEqual(later);
    expect(readdirSync(folder)).not.toContain('probe');
  });

  it('does not disturb readers while the database is opened again', async () => {
    const { tokens, connections } = await awsStores({ endpoint: embedded.endpoint });
    await tokens.publish(old);
    await connections.add(connectionOf(idOf('acme')));
    for (let round = 0; round < 5; round += 1) {
      const put = vi.spyOn(native, '_put').mockRejectedValue(noSpace());
      await tokens.publish(failed).catch(() => {});
      put.mockRestore();
      now += 1000;
      const reads = Array.from({ length: 40 }, () => tokens.get(old.connection));
      expect(new Set(await Promise.all(reads))).toEqual(new Set(reads.map(() => expect.objectContaining(old))));
    }
  });
});
