/** Changes to values from JSON, and to bytes: what somebody who makes a file up would try. */
import type { Random } from "../../workloads/random.ts";

/** What a terminal would obey: C0, C1, CSI, OSC, a right-to-left override, and a line of its own. */
export const ESCAPES = "\u001b]0;x\u0007\u001b[2J\u009b31m\u202e\u0000\r\nforged";

const NUMBERS = [
  ...[-1, 0, 1, 2, 0.5, 7, 63, 64, 511, 512, 65_535, 65_536, -0],
  ...[2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 50, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 1e308, -1e308],
];
const TEXTS = [
  ...["", "0", "x", "__proto__", "constructor", "toString", "hasOwnProperty", "=1+1", "../../x"],
  ...[ESCAPES, "x".repeat(10_000), "64GiB", "1h", "none", "kick", "guest", "/dev/zero"],
];

function nested(levels: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)]!;
}

/** A value that was not asked for. */
export function hostileValue(random: Random): unknown {
  switch (random.below(8)) {
    case 0:
      return pick<unknown>(random, [null, true, false, [], {}, [0], { type: "kick" }]);
    case 1:
      return random.below(20) === 0 ? nested(400) : nested(3);
    case 2:
      return JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 3}') as unknown;
    case 3:
    case 4:
      return pick(random, TEXTS);
    default:
      return pick(random, NUMBERS);
  }
}

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path, paths: Path[]): void {
  if (typeof value !== "object" || value === null) return;
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  for (const key of keys) {
    paths.push([...path, key]);
    pathsOf(Reflect.get(value, key), [...path, key], paths);
  }
}

function parentOf(root: object, path: Path): object {
  let at: object = root;
  for (const key of path.slice(0, -1)) at = Reflect.get(at, key) as object;
  return at;
}

function put(at: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(at, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Changes one field somewhere in a value, in place: gone, twice, of another kind, or another's. */
export function mutate(random: Random, root: object): void {
  const paths: Path[] = [];
  pathsOf(root, [], paths);
  if (paths.length === 0) {
    put(root, "surplus", hostileValue(random));
    return;
  }
  const path = pick(random, paths);
  const at = parentOf(root, path);
  const key = path.at(-1) ?? "";
  const value: unknown = Reflect.get(at, key);
  switch (random.below(6)) {
    case 0:
      if (Array.isArray(at)) at.splice(Number(key), 1);
      else Reflect.deleteProperty(at, key);
      break;
    case 1:
      if (Array.isArray(at)) at.splice(Number(key), 0, structuredClone(value));
      else put(at, pick(random, ["surplus", "__proto__", `${key}s`]), value);
      break;
    case 2: {
      const other = pick(random, paths);
      put(at, key, structuredClone(Reflect.get(parentOf(root, other), other.at(-1) ?? "")));
      break;
    }
    case 3:
      put(at, key, changed(random, value));
      break;
    default:
      put(at, key, hostileValue(random));
  }
}

function changed(random: Random, value: unknown): unknown {
  if (typeof value === "string") return value + pick(random, TEXTS);
  if (typeof value !== "number") return hostileValue(random);
  return value + pick(random, [-1, 1, 0.5, -value, 2 ** 32]);
}

/** Bytes with a few of them changed, moved, gone or new. */
export function mutateBytes(random: Random, bytes: Buffer): Buffer {
  let made = Buffer.from(bytes);
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(Math.max(1, made.length));
    switch (random.below(5)) {
      case 0:
        made = Buffer.concat([made.subarray(0, at), made.subarray(at + 1 + random.below(8))]);
        break;
      case 1:
        made = Buffer.concat([made.subarray(0, at), made.subarray(random.below(made.length))]);
        break;
      default:
        if (made.length > 0) made[at] = pick(random, [0, 1, 127, 128, 255, random.below(256)]);
    }
    made = made.subarray(0, 1 << 20);
  }
  return made;
}
