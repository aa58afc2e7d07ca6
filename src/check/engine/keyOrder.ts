/**
 * States are told apart without regard to the order in which an object's keys were set. A program can go by that
 * order (Object.keys, for-in), and then two states that count as one would go on differently: so what a step does is
 * worked out twice, the second time from data whose keys stand the other way round, and must be the same.
 */

import { itemAt } from "../../lookup.ts";

/**
 * The same data with the keys of every object in reverse, as far down as objects, arrays, Maps and Sets go. Keys
 * that are whole numbers stay in their order: JavaScript lists them so, whoever sets them when.
 * @returns the value itself if it has no object of two keys or more
 */
export function reordered<Value>(value: Value): Value {
  return again(value) as Value;
}

function again(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return mapped(value, () => value.map(again), value);
  if (value instanceof Map) {
    const parts = [...value].flat(1);
    return mapped(
      parts,
      () => new Map([...value].map(([key, of]) => [again(key), again(of)])),
      value,
    );
  }
  if (value instanceof Set) {
    const parts = [...value];
    return mapped(parts, () => new Set(parts.map(again)), value);
  }
  const prototype: object | null = Object.getPrototypeOf(value);
  // Dates and typed arrays have no keys that could stand in another order.
  if (prototype !== null && !Object.hasOwn(prototype, "isPrototypeOf")) return value;
  return recordAgain(value, prototype);
}

function mapped(parts: readonly unknown[], make: () => unknown, value: unknown): unknown {
  return parts.every((part) => again(part) === part) ? value : make();
}

function recordAgain(value: object, prototype: object | null): object {
  const entries = Object.entries(value);
  const result: object = Object.create(prototype);
  for (const [key, inner] of entries.toReversed()) {
    // "__proto__" can be a key like others, and an assignment would not make it one.
    Object.defineProperty(result, key, {
      value: again(inner),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  const isSame = Object.entries(result).every(([key, inner], i) => {
    const [keyBefore, innerBefore] = itemAt(entries, i);
    return key === keyBefore && inner === innerBefore;
  });
  return isSame ? value : result;
}
