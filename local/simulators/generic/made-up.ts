import type { DefinedProvider } from '../../../lib/definition/provider.ts';
import type { SimulatedAccount } from '../accounts.ts';
import { phrase } from '../words.ts';
import { madeUpKey } from './keys.ts';

/** Made-up credentials for a definition: every field that a secret must have. */
export const madeUpAccount = ({ definition }: DefinedProvider, name: string): SimulatedAccount => {
  const { id, fields, alternatives = [], assertion } = definition;
  const [used = []] = alternatives;
  const isLeftOut = (field: string) => alternatives.flat().includes(field) && !used.includes(field);
  const needed = Object.entries(fields).filter(
    ([field, { optional, default: rule }]) => !isLeftOut(field) && (used.includes(field) || (!optional && !rule)),
  );
  const made = needed.map(([field, { oneOf, privateKey }]) => {
    if (privateKey) return [field, madeUpKey(assertion?.algorithm ?? 'RS256')];
    return [field, oneOf?.[0] ?? phrase(field, `${id} ${name}`)];
  });
  return { provider: id, name, fields: Object.fromEntries(made) };
};
