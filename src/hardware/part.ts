/**
 * The snapshot protocol of the data plane. A part is a named piece of memory whose whole state is
 * in typed arrays; saving, restoring, comparing and digesting are written once, here.
 */

import { numberAt, wordAt } from "../lookup.ts";

export type WordArray = Int32Array | Float64Array;

/** A word of either kind of array. @throws NotThereError beyond its end */
export function elementAt(words: WordArray, index: number): number {
  return words instanceof Int32Array ? wordAt(words, index) : numberAt(words, index);
}

/** Words of one of a part's arrays: all of them, or those from one on. */
export type PartWords = string | { readonly array: string; readonly from: number };

/** A named piece of state. `arrays` is read anew at each use, because an array may have grown. */
export interface Part {
  readonly name: string;
  arrays(): Readonly<Record<string, WordArray>>;
  /** Arrays in whose words there is neither a page nor a vCPU, where somebody asks for other numbers. */
  readonly plain?: readonly string[];
  /** Arrays that go by the numbers of pages, as the order in which they are sent does, and name no vCPU. */
  readonly byPageNumber?: readonly string[];
  /** Counted and reported, and decided by nowhere: of these words, those that no form has as state (normalForm.ts). */
  readonly statistics?: readonly PartWords[];
  /** As they were when they were built: of these words, those that are neither state nor statistics. */
  readonly settings?: readonly PartWords[];
  /** Called before a save: from now on somebody may come back to this moment. */
  saving?(): void;
  /** Called before a restore, so that a growing part can make room. Lengths in elements. */
  resize?(lengths: Readonly<Record<string, number>>): void;
  /** In place of writing into its arrays, which then are copies. @throws PartError if they are of another shape */
  put?(arrays: Readonly<Record<string, WordArray>>): void;
}

/** A part's state, detached from it. */
export interface PartSnapshot {
  readonly name: string;
  readonly arrays: Readonly<Record<string, WordArray>>;
}

/** The JSON form of a part: each array as its type and the base64 of its little-endian bytes. */
export interface PartJson {
  readonly name: string;
  readonly arrays: Readonly<
    Record<string, { readonly type: "i32" | "f64"; readonly data: string }>
  >;
}

export function savePart(part: Part): PartSnapshot {
  part.saving?.();
  const arrays: Record<string, WordArray> = {};
  for (const [key, array] of Object.entries(part.arrays())) arrays[key] = array.slice();
  return { name: part.name, arrays };
}

/** A saved state is of another part, or of another shape. */
export class PartError extends Error {}

/** Puts a saved state back. Throws a PartError if the snapshot is of another part or another shape. */
export function restorePart(part: Part, snapshot: PartSnapshot): void {
  if (part.name !== snapshot.name) {
    throw new PartError(`snapshot of "${snapshot.name}" cannot be restored into "${part.name}"`);
  }
  const lengths: Record<string, number> = {};
  for (const [key, array] of Object.entries(snapshot.arrays)) lengths[key] = array.length;
  part.resize?.(lengths);
  const targets = part.arrays();
  for (const [key, target] of Object.entries(targets)) {
    const source = snapshot.arrays[key];
    if (source === undefined || (part.put === undefined && source.length !== target.length)) {
      throw new PartError(`snapshot of "${part.name}" has another shape: array "${key}"`);
    }
    if (part.put === undefined) target.set(source);
  }
  part.put?.(snapshot.arrays);
}

/** FNV-1a over 32-bit words, in two lanes with different bases: a 64-bit digest as 16 hex digits. */
export function digestPart(part: Part): string {
  let a = 0x811c9dc5 | 0;
  let b = 0x9747b28c | 0;
  for (const [key, array] of Object.entries(part.arrays())) {
    for (let i = 0; i < key.length; i++) a = Math.imul(a ^ key.charCodeAt(i), 0x01000193);
    const words = new Int32Array(array.buffer, array.byteOffset, array.byteLength >>> 2);
    for (let i = 0; i < words.length; i++) {
      const word = wordAt(words, i);
      a = Math.imul(a ^ word, 0x01000193);
      a ^= a >>> 15;
      b = Math.imul(b ^ word, 0x85ebca6b);
      b ^= b >>> 13;
    }
  }
  return (a >>> 0).toString(16).padStart(8, "0") + (b >>> 0).toString(16).padStart(8, "0");
}

/** Of what kind its words are, in a word. */
export function arrayType(array: WordArray): "i32" | "f64" {
  return array instanceof Float64Array ? "f64" : "i32";
}

export function partToJson(snapshot: PartSnapshot): PartJson {
  const arrays: Record<string, { type: "i32" | "f64"; data: string }> = {};
  for (const [key, array] of Object.entries(snapshot.arrays)) {
    arrays[key] = {
      type: arrayType(array),
      data: Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64"),
    };
  }
  return { name: snapshot.name, arrays };
}

export function partFromJson(json: PartJson): PartSnapshot {
  const arrays: Record<string, WordArray> = {};
  for (const [key, { type, data }] of Object.entries(json.arrays)) {
    const bytes = Uint8Array.from(Buffer.from(data, "base64"));
    arrays[key] = type === "f64" ? new Float64Array(bytes.buffer) : new Int32Array(bytes.buffer);
  }
  return { name: json.name, arrays };
}
