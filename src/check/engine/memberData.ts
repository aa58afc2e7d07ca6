/** What a renumbering of members makes of data: contexts, events, whatever else a state holds. */
import type { AnyEventObject } from "xstate";
import { UserError } from "../../errors.ts";
import { isRecord, itemAt } from "../../lookup.ts";
import { isEvent, type MemberSpec } from "./model.ts";

/** What stands for a member in data that is looked at from one member's side. */
export const ITSELF = "(itself)";
export const OTHER = "(another)";
/** The same in what is the member's alone: whom it speaks of does not show from the other's side. */
export const OTHER_OF_ITS_OWN = "(another, of its own)";

/** What is put in place of what belongs to members. */
interface Replacing {
  /** Of a reference: what stands there now, as the number of a member. */
  readonly reference: (member: number, isName: boolean) => unknown;
  /** Of a list with an entry for each member: its entries in their new order. */
  readonly entries: (entries: readonly unknown[]) => readonly unknown[];
  /** Of a key that is a member's: the new one; null: the entry is left out. */
  readonly key: (member: number, isName: boolean) => unknown;
  /** For what is in an entry. */
  readonly inEntry?: Replacing;
}

export class MemberData {
  readonly #spec: MemberSpec;

  constructor(spec: MemberSpec) {
    this.#spec = spec;
  }

  get count(): number {
    return this.#spec.members.length;
  }

  /** @param places by member: the number that it gets; slot: whose value it is, for the lists by member */
  renamed(slot: string, value: unknown, places: readonly number[]): unknown {
    const { members } = this.#spec;
    const place = (member: number, isName: boolean): unknown =>
      isName ? members[itemAt(places, member)] : places[member];
    return this.#slotValue(slot, value, {
      reference: place,
      key: place,
      entries: (entries) => {
        const moved: unknown[] = [...entries];
        entries.forEach((entry, member) => {
          moved[itemAt(places, member)] = entry;
        });
        return moved;
      },
    });
  }

  /** What a message becomes: messages have no lists by member. */
  renamedMessage(message: AnyEventObject, places: readonly number[]): AnyEventObject {
    const renamed = this.renamed("", message, places);
    if (isEvent(renamed)) return renamed;
    throw new UserError(`symmetry: references: "type" is what a message is, and no member`);
  }

  /** A value from the side of one member: equal for two of them if they have the same part in it. */
  view(slot: string, value: unknown, member: number): unknown {
    const labels = (other: string) => ({
      reference: (one: number) => (one === member ? ITSELF : other),
      key: (one: number) => (one === member ? ITSELF : null),
      entries: (entries: readonly unknown[]) => [entries[member]],
    });
    return this.#slotValue(slot, value, { ...labels(OTHER), inEntry: labels(OTHER_OF_ITS_OWN) });
  }

  #slotValue(slot: string, value: unknown, replacing: Replacing): unknown {
    const fields = this.#spec.indexed[slot] ?? [];
    if (fields.length === 0) return this.#data(value, replacing);
    const state = isRecord(value) ? value : {};
    // An actor's lists are in its context; an observer's are in its value.
    const { context, ...rest } = state;
    if (!isRecord(context)) return this.#withLists(slot, state, fields, replacing);
    const lists = this.#withLists(slot, context, fields, replacing);
    return { ...this.#record(rest, replacing), context: lists };
  }

  #withLists(
    slot: string,
    record: Readonly<Record<string, unknown>>,
    fields: readonly string[],
    replacing: Replacing,
  ): unknown {
    for (const field of fields) {
      if (Object.hasOwn(record, field)) continue;
      throw new UserError(`symmetry: indexed: "${slot}" has no "${field}"`);
    }
    return Object.fromEntries(
      Object.entries(record).map(([key, inner]) => {
        if (fields.includes(key)) return [key, this.#list(slot, key, inner, replacing)];
        return [key, this.#field(key, inner, replacing)];
      }),
    );
  }

  /** A list by member, a Map or an object with members as keys, or a Set of members. */
  #list(slot: string, field: string, value: unknown, replacing: Replacing): unknown {
    if (Array.isArray(value) && value.length === this.count) {
      const inner = replacing.inEntry ?? replacing;
      return replacing.entries(value).map((one) => this.#data(one, inner));
    }
    if (value instanceof Set) return this.#reference(value, replacing);
    if (value instanceof Map) return new Map(this.#keyed([...value], replacing));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      const entries = Object.entries(value).map(([key, inner]) => {
        // A number that is a key of an object is text.
        return [/^\d+$/.test(key) ? Number(key) : key, inner] as const;
      });
      const moved = this.#keyed(entries, replacing);
      return Object.fromEntries(moved.map(([key, inner]) => [String(key), inner]));
    }
    throw new UserError(
      `symmetry: indexed: "${field}" of "${slot}" is neither a list of ${this.count} nor a Map, Set or object by member`,
    );
  }

  #keyed(
    entries: readonly (readonly [unknown, unknown])[],
    replacing: Replacing,
  ): readonly (readonly [unknown, unknown])[] {
    return entries.flatMap(([key, inner]): (readonly [unknown, unknown])[] => {
      const member = this.#memberOf(key);
      const moved = member < 0 ? key : replacing.key(member, typeof key === "string");
      const within = replacing.inEntry ?? replacing;
      return moved === null ? [] : [[moved, this.#data(inner, within)]];
    });
  }

  /** -1 if it is none. */
  #memberOf(key: unknown): number {
    const { members } = this.#spec;
    if (typeof key === "number") return key >= 0 && key < members.length ? key : -1;
    return typeof key === "string" ? members.indexOf(key) : -1;
  }

  #field(key: string, value: unknown, replacing: Replacing): unknown {
    const { references } = this.#spec;
    return references.includes(key)
      ? this.#reference(value, replacing)
      : this.#data(value, replacing);
  }

  /** A member's number or name, or a list or Set of these. */
  #reference(value: unknown, replacing: Replacing): unknown {
    if (Array.isArray(value)) return value.map((one) => this.#reference(one, replacing));
    if (value instanceof Set) return new Set([...value].map((one) => this.#mark(one, replacing)));
    const member = this.#memberOf(value);
    if (member < 0) return this.#data(value, replacing);
    return replacing.reference(member, typeof value === "string");
  }

  /** In a Set equal labels would be one: each keeps its position. */
  #mark(value: unknown, replacing: Replacing): unknown {
    const marked = this.#reference(value, replacing);
    return marked === OTHER ? [OTHER, this.#memberOf(value) < 0] : marked;
  }

  #data(value: unknown, replacing: Replacing): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((one) => this.#data(one, replacing));
    if (value instanceof Set) return new Set([...value].map((one) => this.#data(one, replacing)));
    if (value instanceof Map) {
      const entries = [...value].map(([key, inner]) => {
        return [this.#data(key, replacing), this.#data(inner, replacing)] as const;
      });
      return new Map(entries);
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return value;
    return this.#record(value, replacing);
  }

  #record(value: object, replacing: Replacing): object {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, this.#field(key, inner, replacing)]),
    );
  }
}
