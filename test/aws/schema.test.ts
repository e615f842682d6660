import { describe, expectTypeOf, it } from 'vitest';
import type * as z from 'zod';
import type { SchemaOf } from '../../lib/aws/item.ts';
import type { EpochMs } from '../../lib/core/types.ts';

/** The compiler checks what is expected here; nothing of it runs. */

interface Stored {
  readonly at: EpochMs;
  readonly note?: string;
  readonly inner?: { readonly code: 'a' | 'b'; readonly hint?: string };
  readonly list: readonly { readonly n: number; readonly by?: string }[];
  readonly headers: Readonly<Record<string, string>>;
}

type Optional<S extends z.ZodType> = z.ZodExactOptional<S>;
type Inner = z.ZodObject<{ code: z.ZodEnum<{ a: 'a'; b: 'b' }>; hint: Optional<z.ZodString> }>;
interface Shape {
  at: z.ZodType<EpochMs>;
  note: Optional<z.ZodString>;
  inner: Optional<Inner>;
  list: z.ZodArray<z.ZodObject<{ n: z.ZodInt; by: Optional<z.ZodString> }>>;
  headers: z.ZodRecord<z.ZodString, z.ZodString>;
}
type With<Change> = z.ZodObject<Omit<Shape, keyof Change> & Change>;

describe('the schema of a stored type', () => {
  it('has every field of it', () => {
    expectTypeOf<With<object>>().toExtend<SchemaOf<Stored>>();
  });

  it('is not one that lacks an optional field, wherever', () => {
    expectTypeOf<z.ZodObject<Omit<Shape, 'note'>>>().not.toExtend<SchemaOf<Stored>>();
    expectTypeOf<With<{ inner: Optional<z.ZodObject<Pick<Inner['shape'], 'code'>>> }>>().not.toExtend<
      SchemaOf<Stored>
    >();
    expectTypeOf<With<{ list: z.ZodArray<z.ZodObject<{ n: z.ZodInt }>> }>>().not.toExtend<SchemaOf<Stored>>();
  });

  it('is not one that lacks a field, or has one of another type', () => {
    expectTypeOf<z.ZodObject<Omit<Shape, 'at'>>>().not.toExtend<SchemaOf<Stored>>();
    expectTypeOf<With<{ note: Optional<z.ZodNumber> }>>().not.toExtend<SchemaOf<Stored>>();
    expectTypeOf<With<{ headers: z.ZodString }>>().not.toExtend<SchemaOf<Stored>>();
  });

  it('is optional exactly if the type is', () => {
    expectTypeOf<With<{ note: z.ZodString }>>().not.toExtend<SchemaOf<Stored>>();
    expectTypeOf<With<{ at: Optional<z.ZodType<EpochMs>> }>>().not.toExtend<SchemaOf<Stored>>();
  });
});
