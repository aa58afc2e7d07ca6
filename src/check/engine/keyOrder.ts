/**
 * States are told apart without regard to the order in which an object's keys were set. A program can go by that
 * order (Object.keys, for-in), and then two states that count as one would go on differently: so what a step does is
 * worked out twice, the second time from data whose keys stand the other way round, and must be the same.
 */

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
  const prototype = Object.getPrototypeOf(value) as object | null;
  // Dates and typed arrays have no keys that could stand in another order.
  if (prototype !== null && !Object.hasOwn(prototype, "isPrototypeOf")) return value;
  return recordAgain(value as Record<string, unknown>, prototype);
}

function mapped(parts: readonly unknown[], make: () => unknown, value: unknown): unknown {
  return parts.every((part) => again(part) === part) ? value : make();
}

function recordAgain(
  value: Readonly<Record<string, unknown>>,
  prototype: object | null,
): Readonly<Record<string, unknown>> {
  const keys = Object.keys(value);
  const result = Object.create(prototype) as Record<string, unknown>;
  for (const key of keys.toReversed()) {
    // "__proto__" can be a key like others, and an assignment would not make it one.
    Object.defineProperty(result, key, {
      value: again(value[key]),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  const isSame = Object.keys(result).every(
    (key, i) => key === keys[i] && result[key] === value[key],
  );
  return isSame ? value : result;
}
