/** The scalars of the litmus format, and objects and names whose error messages suggest the nearest valid one. */

import { closest } from "fastest-levenshtein";
import * as z from "zod";
import { excerpt } from "../config/fieldPath.ts";

const HEX = /^0x[0-9a-fA-F_]+$/;
/** Keys of maps by address or slot: the loader writes whole numbers as hexadecimal. */
const NUMERIC_KEY = /^(0x[0-9a-fA-F_]+|[0-9]+)$/;
/** Addresses end at 4 TiB: the largest that an access of the inner loop can name. */
const ADDRESS_LIMIT = 2 ** 42;
/** Host-physical addresses that a page number of one signed word can name. */
const HOST_ADDRESS_LIMIT = 2 ** 43;

/** `name`, or the valid name that looks most like it. */
export function nearest(name: string, valid: readonly string[]): string {
  return valid.length === 0 ? "" : closest(name, [...valid]);
}

function suggestion(name: string, valid: readonly string[]): string {
  const list = valid.length > 12 ? "" : ` (valid: ${valid.join(", ")})`;
  return `did you mean "${nearest(name, valid)}"?${list}`;
}

/** One of a list of names. */
export function oneOf<const T extends readonly [string, ...string[]]>(names: T) {
  return z.enum(names, {
    error: ({ input }) =>
      typeof input === "string"
        ? `expected one of the known names, not "${excerpt(input)}": ${suggestion(input, names)}`
        : `expected one of ${names.join(", ")}`,
  });
}

/** A map with named fields and no others. */
export function named<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== "unrecognized_keys") {
        return `expected a map with fields among ${Object.keys(shape).join(", ")}`;
      }
      const key = String(issue.keys[0]);
      return `unknown field "${key}": ${suggestion(key, Object.keys(shape))}`;
    },
  });
}

/** The value of a hexadecimal text or a whole number. */
function toBigInt(value: string | number): bigint {
  return BigInt(typeof value === "string" ? value.replaceAll("_", "") : value);
}

const NUMBER = "expected a whole number, such as 512 or 0x1000";
const hexText = z.string().regex(HEX, { error: NUMBER });
const numeric = z
  .union([z.int().min(0), hexText], { error: NUMBER })
  .meta({ description: "A whole number, decimal or hexadecimal." });

/** A 64-bit value. */
export const word64 = numeric
  .transform(toBigInt)
  .refine((value) => value < 1n << 64n, { error: "expected at most 64 bits" });

/** A 64-bit value, or -1: the index of a suspended PRL log. */
export const signedWord64 = z
  .union([z.int().min(-1), hexText], { error: `${NUMBER}, or -1` })
  .transform(toBigInt)
  .refine((value) => value < 1n << 64n, { error: "expected at most 64 bits" })
  .transform((value) => BigInt.asUintN(64, value));

function addressBelow(limit: number) {
  return numeric
    .transform((value) => Number(toBigInt(value)))
    .refine((value) => value < limit, {
      error: `expected an address below 0x${limit.toString(16)}`,
    });
}

/** A guest-physical address, or a linear one of a burst. */
export const address = addressBelow(ADDRESS_LIMIT);

/**
 * A linear address of 64 bits as a number, which is negative in the upper half. Beyond 2^53, where the emulator
 * holds no page but asks whether it is canonical, it is the address of its page.
 */
export function signedAddress(value: bigint): number {
  const signed = BigInt.asIntN(64, value);
  return Number(Number.isSafeInteger(Number(signed)) ? signed : signed & ~0xfffn);
}

/** A linear address. Where the guest's paging does not reach it, the guest finds out. */
export const linearAddress = numeric
  .transform(toBigInt)
  .refine((value) => value < 1n << 64n, { error: "expected at most 64 bits" })
  .transform(signedAddress);
export const hostAddress = addressBelow(HOST_ADDRESS_LIMIT);

/** A whole number within bounds. */
export function int(least: number, most: number) {
  const error = `expected a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

export const bool = z.boolean({ error: "expected true or false" });
export const text = z.string({ error: "expected a text" });
/** A step that needs no argument. */
export const yes = z.literal(true, { error: "expected true: this step takes no argument" });

export function list<T extends z.core.SomeType>(item: T) {
  return z.array(item, { error: "expected a list" });
}

/** A map from addresses or log slots. */
export function byNumber<T extends z.core.SomeType>(value: T) {
  return z.record(
    z.string().regex(NUMERIC_KEY, { error: "expected addresses or slots as keys" }),
    value,
    { error: "expected a map from addresses or slots" },
  );
}

/** Rights of an EPT entry or a guest mapping, in any order; "u": user-mode pages. */
export const rights = z
  .string({ error: 'expected rights such as rwx, r-x or "-"' })
  .regex(/^(-|[rwxu-]{1,4})$/, { error: 'expected rights such as rwx, r-x or "-"' })
  .meta({ description: 'Letters among r, w, x, u; "-" alone: none.' });

const FLAGS = 'expected clean, accessed, dirty, or one of -, A, D, AD for each level: "A A A AD"';
/** Accessed and dirty flags of a walk, the top level first. */
export const flags = z
  .string({ error: FLAGS })
  .regex(/^(clean|accessed|dirty|(-|A|D|AD)( (-|A|D|AD)){0,4})$/, { error: FLAGS })
  .meta({ description: "Flags of each level, the top first; or clean, accessed, dirty." });

/** Names of exit-qualification bits, in schema order. */
export const QUALIFICATION_BITS = {
  read: 1 << 0,
  write: 1 << 1,
  fetch: 1 << 2,
  permRead: 1 << 3,
  permWrite: 1 << 4,
  permExecute: 1 << 5,
  permUserExecute: 1 << 6,
  linear: 1 << 7,
  final: 1 << 8,
  userPage: 1 << 9,
  writablePage: 1 << 10,
  executeDisabledPage: 1 << 11,
  nmiUnblocked: 1 << 12,
} as const;

/** The keys of an object as a non-empty tuple, for `oneOf`. */
export function namesOf<K extends string>(object: Readonly<Record<K, unknown>>): [K, ...K[]] {
  const [first, ...rest] = Object.keys(object) as K[];
  if (first === undefined) throw new Error("an object without fields has no names");
  return [first, ...rest];
}
