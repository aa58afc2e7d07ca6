/**
 * What fields of messages and of machines' states hold, as schemas: a type, and what of a system a number
 * counts or names. Programs get their types from them; what a file says is held against them.
 */

import * as z from "zod";
import { type Explanation, explain } from "../config/explain.ts";
import { excerpt, pathText } from "../config/fieldPath.ts";
import { nearest } from "../config/nearest.ts";
import { fieldOf } from "../lookup.ts";

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

/** What else is to be said of a value than its type. */
export interface Traits {
  /** What a number names. */
  readonly role?: Role;
  /** Of what a list has one element for each. */
  readonly each?: Role;
  /** The kinds that a value is one of. */
  readonly variants?: Variants;
  /** The words that a text is one of, as far as they are known by now. */
  readonly words?: () => readonly string[];
  /** A list whose order is that of its elements' numbers, or of their fields of this name, and says nothing. */
  readonly orderedBy?: "itself" | string;
  /** Nothing is decided by it: counts and cycles for reports. */
  readonly statistic?: true;
  /** The number of a turn, of a CPU or a throttle: it tells a timer of this turn from earlier ones. */
  readonly turn?: true;
  /** A page if the exit beside it (`reason`) is an EPT violation, else always 0. */
  readonly ofViolation?: true;
  /** In these states of its machine it is left over from before: written anew before anything reads it. */
  readonly deadIn?: readonly string[];
  /** Given when the machine is set up; nothing is said of what is in it. */
  readonly setting?: true;
  /** What of it matters. */
  readonly matter?: Matter<unknown>;
}

/** Of values of which not everything matters. */
export interface Matter<Value, Result = Value> {
  /** The one that stands for all that make no difference. */
  of(value: Value): Result;
  /** Another value of which the same matters. @param more a whole number above 0 */
  alike(value: Value, more: number): Result;
}

const said = new WeakMap<z.core.$ZodType, Traits>();
/** What traitsOf has answered: a search with symmetry asks of each field of each message. */
const answered = new WeakMap<z.core.$ZodType, Traits>();

/** What is said of a schema, whether or not its value may be missing or null, or has to be one of fewer. */
export function traitsOf(schema: z.core.$ZodType): Traits {
  const before = answered.get(schema);
  if (before !== undefined) return before;
  // What actor.min(1) is made from, for one.
  const inner = unwrapped(schema) ?? schema._zod.parent;
  const traits = { ...(inner === undefined ? {} : traitsOf(inner)), ...said.get(schema) };
  answered.set(schema, traits);
  return traits;
}

/** The schema, of which this is to be said as well. */
function saying<Schema extends z.ZodType>(schema: Schema, traits: Traits): Schema {
  said.set(schema, { ...said.get(schema), ...traits });
  return schema;
}

/** Another schema like this one, of which this is to be said as well. */
function like<Schema extends z.ZodType>(schema: Schema, traits: Traits): Schema {
  const copy: Schema = schema.clone();
  said.set(copy, { ...said.get(schema), ...traits });
  return copy;
}

const naming = (role: Role, least = 0) => saying(z.int().min(least), { role });

/** An actor's address; 0 is nobody. */
export const actor = naming("actor");
export const vcpu = naming("vcpu");
/** -1: none. */
export const vcpuOrNone = naming("vcpu", -1);
export const vm = naming("vm");
export const pcpu = naming("pcpu");
/** Guest-physical, of the VM that the message or the actor is about; 0 where none is meant. */
export const page = naming("page");

/** -1: none. */
export const pageOrNone = naming("page", -1);

/** The same where an exit need not be about a page. */
export const violatedPage = like(page, { ofViolation: true });

/** A whole number, of any sign. */
export const whole = z.int();
/** How many. */
export const count = z.int().min(0);
/** A number that is counted on from -1: none yet. */
export const countOrNone = z.int().min(-1);
/** Time or work, in cycles; fractions come of rates. Beyond this, one cycle more would not be noticed. */
export const cycles = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
/** Time, in cycles; -1: not yet, or never. */
export const timeOrNone = z.number().min(-1).max(Number.MAX_SAFE_INTEGER);
/** The number of a turn. */
export const turn = like(count, { turn: true });
/** From 0 to 1. */
export const share = z.number().min(0).max(1);
export const flag = z.boolean();
export const text = z.string().max(1000);
/** Plain data of somebody else, as JSON. */
export const json = z.string().max(1 << 16);
/** How many of each, by name. */
export const tally = byName(count);
/** What somebody else has to say something about. */
export const anything = z.unknown();

/** One of these words. */
export function word<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words);
}

/** One of some words, of which more may come to be known. `words` gives those that are known now. */
export function knownWord(words: () => readonly string[]) {
  const schema = z.string().superRefine((input, context) => {
    const values = words();
    if (!values.includes(input)) {
      context.addIssue({ code: "invalid_value", values: [...values], input });
    }
  });
  return saying(schema, { words });
}

/** Elements are never changed in place. */
export function list<Element extends z.ZodType>(element: Element) {
  return z.array(element).readonly();
}

/** Numbers in their order, each once. */
export function setOf<Element extends z.ZodType>(element: Element) {
  return saying(z.array(element).readonly(), { orderedBy: "itself" });
}

/** Records in the order of one of their fields, each number of it once. */
export function setBy<Element extends z.ZodType>(field: string, element: Element) {
  return saying(z.array(element).readonly(), { orderedBy: field });
}

/** What nothing is decided by. The explorer leaves it out, and checks that it may. */
export function statistic<Schema extends z.ZodType>(schema: Schema): Schema {
  return like(schema, { statistic: true });
}

/** What no one reads in these states of its machine. */
export function deadIn<Schema extends z.ZodType>(
  schema: Schema,
  ...states: readonly [string, ...string[]]
): Schema {
  return like(schema, { deadIn: states });
}

/** What matters only in part. */
export function mattersAs<Schema extends z.ZodType>(
  schema: Schema,
  matter: Matter<Value<Schema>>,
): Schema {
  return like(schema, { matter });
}

/** What a machine is set up with and no number of which names anything. Never read from a file. */
export function setting<Given>(): z.ZodType<Given, Given> {
  return saying(
    z.custom<Given>(() => true),
    { setting: true },
  );
}

/** Elements by their names, whatever those are. */
export function byName<Element extends z.ZodType>(element: Element) {
  return z.record(z.string().max(200), element).readonly();
}

/** A list with one element for each of a system's. */
export function listBy<Element extends z.ZodType>(each: Role, element: Element) {
  return saying(z.array(element).readonly(), { each });
}

/** Fields by name: the shape of a message, of a part of a state, of an object in one. */
export type Fields = Readonly<Record<string, z.ZodType>>;
/** A schema of what a program has a type for. */
export type Schema<Given> = z.ZodType<Given>;
/** The same for each of its fields: none is left out. */
export type FieldsOf<Given> = { readonly [Name in keyof Given]-?: Schema<Given[Name]> };
/** What a schema takes, for programs. */
export type Value<Schema extends z.ZodType> = z.output<Schema>;
/** What has these fields, for programs. */
export type Values<Shape extends Fields> = Readonly<z.output<z.ZodObject<Shape>>>;

/** These fields and no others. */
export function record<Shape extends Fields>(fields: Shape) {
  return z.strictObject(fields).readonly();
}

/** One of several kinds of things. */
export function oneOf<Kind>(variants: Variants<Kind>): z.ZodType<Kind, Kind> {
  return saying(
    z.custom<Kind>(() => true),
    { variants },
  );
}

/**
 * What is wrong with a value: the field, what was expected, and the nearest valid name; undefined if
 * nothing is.
 */
export function problemOf(
  schema: z.ZodType,
  value: unknown,
  census: Census = ANY_SYSTEM,
): string | undefined {
  return sentenceOf(findProblem(schema, value, census));
}

/** Takes a value for one of a schema. @throws what `refusal` makes of its problem, if it has one */
export function accept<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  census: Census,
  refusal: (problem: string) => Error,
): asserts value is z.output<Schema> {
  const problem = problemOf(schema, value, census);
  if (problem !== undefined) throw refusal(problem);
}

function sentenceOf(problem: Explanation | undefined): string | undefined {
  if (problem === undefined) return undefined;
  const { path, message } = problem;
  return path.length === 0 ? message : `${pathText(path)}: ${message}`;
}

function findProblem(schema: z.ZodType, value: unknown, census: Census): Explanation | undefined {
  const { error } = schema.safeParse(value);
  const issue = error?.issues[0];
  if (issue !== undefined) return explain(issue, schema, value);
  return outOfRange(schema, value, census);
}

/** What of a schema numbers are held against a system by; worked out once, for a log has millions. */
interface Names {
  readonly role: Role | undefined;
  readonly each: Role | undefined;
  readonly variants: Pick<Variants, "find"> | undefined;
  /** Of a list, or of elements by name. */
  readonly element: z.core.$ZodType | undefined;
  /** Those fields of an object in which something is named. */
  readonly fields: readonly (readonly [name: string, schema: z.core.$ZodType])[];
  readonly isEmpty: boolean;
}

const known = new WeakMap<z.core.$ZodType, Names>();

function namesIn(schema: z.core.$ZodType): Names {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const inner = bare(schema);
  const { role, each, variants } = traitsOf(schema);
  const element =
    inner instanceof z.ZodArray
      ? inner.element
      : inner instanceof z.ZodRecord
        ? inner.valueType
        : undefined;
  const shape = inner instanceof z.ZodObject ? Object.entries(inner.shape) : [];
  const fields = shape.filter(([, field]) => !namesIn(field).isEmpty);
  const isQuantity = role === undefined && each === undefined && variants === undefined;
  const isPlain = element === undefined || namesIn(element).isEmpty;
  const names = {
    ...{ role, each, variants, element, fields },
    isEmpty: isQuantity && isPlain && fields.length === 0,
  };
  known.set(schema, names);
  return names;
}

/** The first number in a value of a schema that names what the system does not have. */
function outOfRange(
  schema: z.core.$ZodType,
  value: unknown,
  census: Census,
): Explanation | undefined {
  const { role, each, variants, element, fields, isEmpty } = namesIn(schema);
  if (isEmpty) return undefined;
  if (variants !== undefined) return variants.find(value, census);
  if (role !== undefined && typeof value === "number" && value >= census[role]) {
    return wrong(`there is no ${role} ${value}; there are ${census[role]}, from 0`);
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (each !== undefined && Array.isArray(value) && value.length !== census[each]) {
    return wrong(`has ${value.length} elements; there are ${census[each]} (${each})`);
  }
  if (element !== undefined) {
    for (const [key, one] of Object.entries(value)) {
      const at = Array.isArray(value) ? Number(key) : key;
      const problem = within(at, outOfRange(element, one, census));
      if (problem !== undefined) return problem;
    }
  }
  for (const [name, field] of fields) {
    const problem = within(name, outOfRange(field, Reflect.get(value, name), census));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function within(key: PropertyKey, problem: Explanation | undefined): Explanation | undefined {
  return problem && { ...problem, path: [key, ...problem.path] };
}

function wrong(message: string, ...path: readonly PropertyKey[]): Explanation {
  return { path, message };
}

function mayBeMissing(schema: z.core.$ZodType): boolean {
  return z.safeParse(schema, undefined).success || schema instanceof z.ZodExactOptional;
}

/** Without what says that a value may be missing, null or unchangeable. */
export function bare(schema: z.core.$ZodType): z.core.$ZodType {
  const inner = unwrapped(schema);
  return inner === null ? schema : bare(inner);
}

/** Without the outermost of them; null if there is none. */
function unwrapped(schema: z.core.$ZodType): z.core.$ZodType | null {
  return schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodExactOptional
    ? schema.unwrap()
    : null;
}

/** What is of one kind, for programs. */
export type Variant<Tag extends string, Kind extends string, Shape extends Fields> = Values<
  { readonly [Key in Tag]: z.ZodLiteral<Kind> } & Shape
>;

/** Things of several kinds: each has its kind's name in the field `tag`, and the fields of its kind. */
export class Variants<Thing = unknown> {
  readonly #tag: string;
  readonly #table: Readonly<Record<string, Fields>>;
  readonly #schemas = new Map<string, z.ZodType>();

  constructor(tag: string, table: Readonly<Record<string, Fields>>) {
    this.#tag = tag;
    this.#table = table;
  }

  /** A kind's fields, but for its tag; undefined if there is no such kind. */
  fieldsOf(kind: string): Fields | undefined {
    return Object.hasOwn(this.#table, kind) ? this.#table[kind] : undefined;
  }

  /** Names of fields that one of a kind may lack. */
  optionalOf(kind: string): readonly string[] {
    const fields = this.fieldsOf(kind) ?? {};
    return Object.keys(fields).filter((name) => mayBeMissing(fieldOf(fields, name)));
  }

  /** What is wrong with a value; undefined if it is one of these. */
  problemOf(value: unknown, census: Census = ANY_SYSTEM): string | undefined {
    return sentenceOf(this.find(value, census));
  }

  /** Takes a value for one of these. @throws what `refusal` makes of its problem, if it has one */
  accept(
    value: unknown,
    census: Census,
    refusal: (problem: string) => Error,
  ): asserts value is Thing {
    const problem = this.problemOf(value, census);
    if (problem !== undefined) throw refusal(problem);
  }

  /** The same as problemOf, with the field's path. */
  find(value: unknown, census: Census): Explanation | undefined {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return wrong(`expected fields, "${this.#tag}" among them`);
    }
    if (!Object.hasOwn(value, this.#tag)) return wrong(`field "${this.#tag}" is missing`);
    const kind: unknown = Reflect.get(value, this.#tag);
    const schema = typeof kind === "string" ? this.#schemaOf(kind) : undefined;
    if (schema !== undefined) return findProblem(schema, value, census);
    const given = excerpt(typeof kind === "string" ? kind : typeof kind);
    const names = Object.keys(this.#table);
    return wrong(`there is no "${given}"${nearest(given, names)}`, this.#tag);
  }

  #schemaOf(kind: string): z.ZodType | undefined {
    const known = this.#schemas.get(kind);
    if (known !== undefined || !Object.hasOwn(this.#table, kind)) return known;
    const schema = z.strictObject({ [this.#tag]: z.literal(kind), ...this.#table[kind] });
    this.#schemas.set(kind, schema);
    return schema;
  }
}
