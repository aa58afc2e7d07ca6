/**
 * Functions made for objects of one shape, as text that is compiled once. A property that is named in the
 * code is read in about a nanosecond, one named by a variable takes ten: at several properties a message,
 * that is the difference between a recorder that costs a tenth of a run and one that costs a third.
 */

/** Reads an object's numbers into `out`; false if it is not of the shape. */
export type NumberReader = (object: object, out: Float64Array) => boolean;

/** What a field holds: a number, which is read, or always the same value. */
export type FieldKind = "number" | { readonly is: string | boolean | null };

/**
 * A reader of objects with these fields, and without those in `absent`. Positions in `out` are those of
 * the numbers, in order.
 */
export function numberReader(
  fields: readonly (readonly [string, FieldKind])[],
  absent: readonly string[],
): NumberReader {
  const lines = ["let value;"];
  for (const name of absent) lines.push(`if (${property(name)} !== undefined) return false;`);
  let position = 0;
  for (const [name, kind] of fields) {
    if (kind === "number") {
      lines.push(`value = ${property(name)}; if (typeof value !== "number") return false;`);
      lines.push(`out[${position++}] = value;`);
    } else {
      lines.push(`if (${property(name)} !== ${JSON.stringify(kind.is)}) return false;`);
    }
  }
  lines.push("return true;");
  return compile(["object", "out"], lines) as NumberReader;
}

/** What a FieldsDigest remembers: the objects in the fields when it last looked, and their digests. */
export interface SeenObjects {
  readonly objects: unknown[];
  readonly digests: number[];
}

/** Digests an object, beginning with `start`; `digest` is for what is no 32-bit number. */
export type FieldsDigest = (
  object: object,
  start: number,
  seen: SeenObjects,
  digest: (value: unknown) => number,
) => number;

/** A digest of these fields. Objects in them must not change: a new value is a new object. */
export function fieldsDigest(names: readonly string[]): FieldsDigest {
  const lines = ["const { objects, digests } = seen; let hash = start, value;"];
  names.forEach((name, i) => {
    lines.push(
      `value = ${property(name)};`,
      'if (typeof value === "object" || typeof value === "string") {',
      `  if (objects[${i}] !== value) { objects[${i}] = value; digests[${i}] = digest(value); }`,
      `  value = digests[${i}];`,
      "} else if ((value | 0) !== value) value = digest(value);",
      "hash = Math.imul(hash ^ value, 0x01000193);",
    );
  });
  lines.push("return hash ^ (hash >>> 15);");
  return compile(["object", "start", "seen", "digest"], lines) as FieldsDigest;
}

function property(name: string): string {
  return `object[${JSON.stringify(name)}]`;
}

type Compiled = (...values: never[]) => unknown;

/** By text: the same function for the same shape, so that V8 optimises it once. */
const compiled = new Map<string, Compiled>();

function compile(parameters: readonly string[], lines: readonly string[]): Compiled {
  const text = lines.join("\n");
  const key = `${parameters.join()}: ${text}`;
  const made = compiled.get(key) ?? (new Function(...parameters, text) as Compiled);
  compiled.set(key, made);
  return made;
}
