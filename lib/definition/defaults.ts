import type { PathFault } from './checks.ts';
import type { DefinitionData } from './schema.ts';
import { secretSchemaOf } from './secret.ts';

/** Defaults that the field itself would refuse. */
export const defaultFaults = (data: DefinitionData): readonly PathFault[] => {
  const { shape } = secretSchemaOf(data);
  return Object.entries(data.fields).flatMap(([name, { default: rule }]) => {
    const values = typeof rule === 'object' ? [rule.use, rule.otherwise] : rule === undefined ? [] : [rule];
    const issues = values.flatMap(value => shape[name]?.safeParse(value).error?.issues ?? []);
    return issues.slice(0, 1).map(({ message }) => ({ path: `fields.${name}.default`, message }));
  });
};
