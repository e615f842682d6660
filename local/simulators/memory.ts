import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { UsageError } from '../usage-error.ts';
import type { SimulatorState } from './kit.ts';

type States = Readonly<Record<string, SimulatorState>>;

/** The state of providers outlives a restart of the laptop, as in reality. */
export interface SimulatorMemory {
  /** The port of the last run: published tokens contain addresses of simulators. */
  readonly port?: number;
  readonly remembered?: States;
  /** Called before an answer is sent: nothing is issued without being stored. */
  readonly remember?: (states: States, port: number) => void;
}

const fileSchema = z.object({ port: z.number(), states: z.record(z.string(), z.custom<SimulatorState>()) });

/** A file in the data folder; empty without a folder. */
export const simulatorMemory = (folder: string | undefined): SimulatorMemory => {
  if (folder === undefined) return {};
  const file = join(folder, 'simulators.json');
  const remember = (states: States, port: number) => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.new`, JSON.stringify({ port, states }), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  try {
    const { port, states } = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return { port, remembered: states, remember };
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return { remember };
    throw new UsageError(`--data: ${file} is damaged or belongs to something else: give another folder.`);
  }
};
