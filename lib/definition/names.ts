import type * as z from 'zod';
import { definitionSchema } from './schema.ts';

/** The property names that a part of a definition may have. */
export const namesAt = (path: readonly PropertyKey[]): readonly string[] =>
  path
    .reduce<readonly z.core.$ZodType[]>((parts, name) => parts.flatMap(part => below(part, name)), [definitionSchema])
    .flatMap(bare)
    .flatMap(({ _zod: { def } }) =>
      'shape' in def && typeof def.shape === 'object' ? Object.keys(def.shape ?? {}) : [],
    );

const below = (part: z.core.$ZodType, name: PropertyKey): readonly z.core.$ZodType[] =>
  bare(part).flatMap(each => {
    const { def } = (each as z.core.$ZodTypes)._zod;
    if (def.type === 'object') return def.shape[String(name)] ?? [];
    if (def.type === 'record') return def.valueType;
    return def.type === 'array' ? def.element : [];
  });

/** A part without its optional or transforming wrappers; all forms if it has several. */
const bare = (part: z.core.$ZodType): readonly z.core.$ZodType[] => {
  const { def } = (part as z.core.$ZodTypes)._zod;
  if (def.type === 'union') return def.options.flatMap(bare);
  if (def.type === 'pipe') return bare(def.in);
  return 'innerType' in def ? bare(def.innerType) : [part];
};
