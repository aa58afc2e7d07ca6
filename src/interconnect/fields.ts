/**
 * What fields of messages and of machines' states hold, as schemas: a type, and what of a system a number
 * counts or names. Programs get their types from them; what a file says is held against them.
 */
import * as z from "zod";
import { explain } from "../config/explain.ts";
import { excerpt, pathText } from "../config/fieldPath.ts";
import { nearest } from "../config/nearest.ts";

/** What a number names: it is below the system's count of them. */
export type Role = "actor" | "vcpu" | "vm" | "pcpu" | "page";

/** How many of each a system has: actors with the address 0, pages of its largest VM. */
export type Census = Readonly<Record<Role, number>>;

/** Where the system is not known. */
export const ANY_SYSTEM: Census = {
  actor: Number.POSITIVE_INFINITY,
  vcpu: Number.POSITIVE_INFINITY,
  vm: Number.POSITIVE_INFINITY,
  pcpu: Number.POSITIVE_INFINITY,
  page: Number.POSITIVE_INFINITY,
};

/** What numbers name, and what elements of a list are of: one for each. */
const roles = z.registry<{ readonly role?: Role; readonly each?: Role }>();

const named = (role: Role, least = 0) => z.int().min(least).register(roles, { role });

/** An actor's address; 0 is nobody. */
export const actor = named("actor");
export const vcpu = named("vcpu");
/** -1: none. */
export const vcpuOrNone = named("vcpu", -1);
export const vm = named("vm");
export const pcpu = named("pcpu");
/** Guest-physical, of the VM that the message or the actor is about; 0 where none is meant. */
export const page = named("page");

/** A whole number, of any sign. */
export const whole = z.int();
/** How many. */
export const count = z.int().min(0);
/** A number that is counted on from -1: none yet. */
export const countOrNone = z.int().min(-1);
/** Time or work, in cycles; fractions come of rates. */
export const cycles = z.number().min(0);
export const flag = z.boolean();
export const text = z.string().max(1000);
/** What another schema has to say something about. */
export const anything = z.unknown();

/** One of these words. */
export function word<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words);
}

/** Elements are never changed in place. */
export function list<Element extends z.ZodType>(element: Element) {
  return z.array(element).readonly();
}

/** A list with one element for each of a system's. */
export function listBy<Element extends z.ZodType>(each: Role, element: Element) {
  return z.array(element).readonly().register(roles, { each });
}

/** Fields by name: the shape of a message, of a part of a state, of an object in one. */
export type Fields = Readonly<Record<string, z.ZodType>>;
/** What a schema takes, for programs. */
export type Value<Schema extends z.ZodType> = z.output<Schema>;
/** What has these fields, for programs. */
export type Values<Shape extends Fields> = Readonly<z.output<z.ZodObject<Shape>>>;

/** These fields and no others. */
export function record<Shape extends Fields>(fields: Shape) {
  return z.strictObject(fields).readonly();
}

/** What a number of a schema names; undefined if it is a quantity. */
export function roleOf(schema: z.ZodType): Role | undefined {
  return roles.get(schema)?.role;
}

/**
 * What is wrong with a value: the field, what was expected, and the nearest valid name; undefined if
 * nothing is.
 */
export function problemOf(schema: z.ZodType, value: unknown, census: Census): string | undefined {
  const { error } = schema.safeParse(value);
  if (error === undefined) return outOfRange(schema, value, census, []);
  const issue = error.issues[0];
  if (issue === undefined) return "makes no sense";
  const { path, message } = explain(issue, schema, value);
  return located(path, message);
}

function located(path: readonly PropertyKey[], message: string): string {
  return path.length === 0 ? message : `${pathText(path)}: ${message}`;
}

/** The first number in a value of a schema that names what the system does not have. */
function outOfRange(
  schema: z.core.$ZodType,
  value: unknown,
  census: Census,
  path: readonly PropertyKey[],
): string | undefined {
  const { role, each } = roles.get(schema) ?? {};
  if (role !== undefined && typeof value === "number" && value >= census[role]) {
    return located(path, `there is no ${role} ${value}; there are ${census[role]}, from 0`);
  }
  if (Array.isArray(value)) {
    if (each !== undefined && value.length !== census[each]) {
      return located(path, `has ${value.length} elements; there are ${census[each]} (${each})`);
    }
    const element = elementOf(schema);
    if (element === undefined) return undefined;
    return firstOf(value.entries(), () => element, census, path);
  }
  const shape = shapeOf(schema);
  if (shape === undefined || typeof value !== "object" || value === null) return undefined;
  return firstOf(Object.entries(value), (name) => shape[name], census, path);
}

function firstOf(
  entries: Iterable<readonly [PropertyKey, unknown]>,
  schemaOf: (key: string) => z.core.$ZodType | undefined,
  census: Census,
  path: readonly PropertyKey[],
): string | undefined {
  for (const [key, value] of entries) {
    const schema = schemaOf(String(key));
    const problem = schema && outOfRange(schema, value, census, [...path, key]);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Without what says that a value may be missing, null or unchangeable. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodExactOptional
    ? bare(schema.unwrap())
    : schema;
}

function elementOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const array = bare(schema);
  return array instanceof z.ZodArray ? array.element : undefined;
}

function shapeOf(schema: z.core.$ZodType): z.core.$ZodShape | undefined {
  const object = bare(schema);
  return object instanceof z.ZodObject ? object.shape : undefined;
}

/** What is of one kind, for programs. */
export type Variant<Tag extends string, Kind extends string, Shape extends Fields> = Values<
  { readonly [Key in Tag]: z.ZodLiteral<Kind> } & Shape
>;

/** Things of several kinds: each has its kind's name in the field `tag`, and the fields of its kind. */
export class Variants {
  readonly #tag: string;
  readonly #table: Readonly<Record<string, Fields>>;
  readonly #schemas = new Map<string, z.ZodType>();

  constructor(tag: string, table: Readonly<Record<string, Fields>>) {
    this.#tag = tag;
    this.#table = table;
  }

  /** What is wrong with a value; undefined if it is one of these. */
  problemOf(value: unknown, census: Census): string | undefined {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return `expected fields, "${this.#tag}" among them`;
    }
    if (!Object.hasOwn(value, this.#tag)) return `field "${this.#tag}" is missing`;
    const kind: unknown = Reflect.get(value, this.#tag);
    const schema = typeof kind === "string" ? this.#schemaOf(kind) : undefined;
    if (schema !== undefined) return problemOf(schema, value, census);
    const given = excerpt(typeof kind === "string" ? kind : typeof kind);
    return `${this.#tag}: there is no "${given}"${nearest(given, Object.keys(this.#table))}`;
  }

  #schemaOf(kind: string): z.ZodType | undefined {
    const known = this.#schemas.get(kind);
    if (known !== undefined || !Object.hasOwn(this.#table, kind)) return known;
    const schema = z.strictObject({ [this.#tag]: z.literal(kind), ...this.#table[kind] });
    this.#schemas.set(kind, schema);
    return schema;
  }
}
