/** Schemas of things that come in several kinds, told apart by their field `kind`. */
import * as z from "zod";

/**
 * One of several kinds. The types know those in `Schemas`, which are built in; kinds that a program has registered are
 * taken as well.
 */
export function unionOfKinds<Schemas extends readonly [z.ZodObject, ...z.ZodObject[]]>(
  schemas: readonly z.ZodObject[],
): z.ZodDiscriminatedUnion<Schemas, "kind"> {
  return z.discriminatedUnion("kind", schemas as Schemas);
}
