/**
 * Text that is equal exactly for values that a program cannot tell apart. JSON data is written as JSON with
 * the keys in order; what JSON drops or merges has a text of its own (undefined, NaN, -0, BigInt, Map, Set, Date,
 * typed arrays), and what has no value that can be compared (a function, an instance of a class) is refused.
 *
 * The order of an object's keys does not count; that of a Map or Set does, as programs go by it.
 */
import { UserError } from "../../errors.ts";
import { itemAt } from "../../lookup.ts";

/** How deep data may be nested; more than that goes round in a circle. */
const DEPTH_MOST = 500;

/** Where the value that is being written stands, from the outermost name on. */
const path: PropertyKey[] = [];

/**
 * @param name what the value is, for the error
 * @throws UserError that names the path to what cannot be written
 */
export function canonical(value: unknown, name = "value"): string {
  path.length = 0;
  path.push(name);
  return textOf(value);
}

function textOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "boolean":
    case "undefined":
      return String(value);
    case "bigint":
      return `${value}n`;
    case "object":
      return value === null ? "null" : objectText(value);
    default:
      return refuse(`a ${typeof value}`);
  }
}

function objectText(value: object): string {
  if (path.length > DEPTH_MOST) refuse("data that refers to itself");
  if (Array.isArray(value)) return arrayText(value);
  if (isRecord(value)) return recordText(value);
  if (isOf(value, Map)) return listText("Map", [...value].flat(1), value);
  if (isOf(value, Set)) return listText("Set", [...value], value);
  if (isDate(value)) return listText("Date", [Number(value)], value);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return bytesText(value);
  return refuse(describe(value));
}

/** A plain object: of this realm, of another such as node:vm's, or without a prototype. */
function isRecord(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.hasOwn(prototype, "isPrototypeOf");
}

/** Of the class itself: one derived from it may hold more. */
function isOf<Made extends object>(
  value: object,
  made: { new (): Made; readonly prototype: object },
): value is Made {
  return Object.getPrototypeOf(value) === made.prototype;
}

function recordText(value: Readonly<Record<string, unknown>>): string {
  const keys = Object.keys(value);
  if (Reflect.ownKeys(value).length !== keys.length) refuseHidden(value, keys);
  if (keys.length > 1) keys.sort();
  let text = Object.getPrototypeOf(value) === null ? "null{" : "{";
  for (let i = 0; i < keys.length; i++) {
    const key = itemAt(keys, i);
    path.push(key);
    text += `${i === 0 ? "" : ","}${JSON.stringify(key)}:${textOf(value[key])}`;
    path.pop();
  }
  return `${text}}`;
}

function arrayText(value: readonly unknown[]): string {
  if (Object.getPrototypeOf(value) !== Array.prototype) refuse(describe(value));
  let text = "[";
  let holes = 0;
  for (let i = 0; i < value.length; i++) {
    if (i > 0) text += ",";
    // A hole is not the same as an undefined entry.
    if (value[i] === undefined && !(i in value)) {
      text += "(hole)";
      holes++;
    } else {
      path.push(i);
      text += textOf(value[i]);
      path.pop();
    }
  }
  const keys = Object.keys(value);
  // Its indices, and its length.
  const own = Reflect.ownKeys(value).length;
  if (keys.length !== value.length - holes || own !== keys.length + 1) {
    refuse("an array with properties of its own");
  }
  return `${text}]`;
}

function listText(type: string, parts: readonly unknown[], whole: object): string {
  if (Reflect.ownKeys(whole).length > 0) refuse(`a ${type} with properties of its own`);
  let text = `${type}(`;
  for (let i = 0; i < parts.length; i++) {
    path.push(i);
    text += `${i === 0 ? "" : ","}${textOf(parts[i])}`;
    path.pop();
  }
  return `${text})`;
}

function bytesText(view: ArrayBufferView): string {
  const { name } = view.constructor;
  if (!isStandard(view)) return refuse(describe(view));
  if (typeof SharedArrayBuffer === "function" && view.buffer instanceof SharedArrayBuffer) {
    refuse("memory that others may change");
  }
  return `${name}(${Array.from(view, textOf).join()})`;
}

/** One of JavaScript's own typed arrays, or Node's Buffer. */
function isStandard(view: ArrayBufferView): view is ArrayBufferView & Iterable<number | bigint> {
  const base: unknown = Object.getPrototypeOf(view.constructor.prototype);
  return base === TYPED_ARRAY || view.constructor.name === "Buffer";
}

/** By what it is, and not by the name of a global that a run may not use. */
function isDate(value: object): boolean {
  const isOne = Object.prototype.toString.call(value) === "[object Date]";
  return isOne && Object.getPrototypeOf(Object.getPrototypeOf(value)) === Object.prototype;
}

const TYPED_ARRAY: unknown = Object.getPrototypeOf(Uint8Array.prototype);

function refuseHidden(value: object, keys: readonly string[]): never {
  const hidden = Reflect.ownKeys(value).find(
    (key) => typeof key === "symbol" || !keys.includes(key),
  );
  path.push(hidden!);
  return refuse(
    typeof hidden === "symbol" ? "named by a symbol" : "hidden: it is not an enumerable property",
  );
}

function refuse(what: string): never {
  const [name, ...rest] = path.slice(0, 12);
  const inner = rest.map((key) => {
    if (typeof key === "number") return `[${key}]`;
    return typeof key === "symbol" ? `[${String(key)}]` : `.${key}`;
  });
  throw new UserError(
    `${String(name)}${inner.join("")} is ${what}; a state is told from others by its value, so it may hold plain data, Map, Set, dates and typed arrays alone`,
  );
}

function describe(value: object): string {
  const made: unknown = value.constructor;
  const name = typeof made === "function" ? made.name : "";
  if ("getSnapshot" in value && "send" in value) return "a reference to an actor";
  return name === "" ? "an object with a prototype of its own" : `an instance of class ${name}`;
}
