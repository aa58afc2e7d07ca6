/**
 * Full symmetry of a group of actors that differ by their number alone. Each state is replaced by one
 * representative: the members are sorted by everything that is theirs (own state, own channels, and what
 * others keep about them, by position). The key is complete, so the representative does not depend on
 * the order of search, and the count is that of the orbits. It does not look at each permutation, as
 * GroupSymmetry does: nine managers of two-phase commit have 362,880.
 */
import type { MemberSpec, Model } from "./model.ts";
import { canonical, Slot } from "./slot.ts";
import type { Symmetry } from "./symmetry.ts";

const SELF = "self";

interface Shared {
  readonly slot: number;
  readonly keys: readonly string[];
}

export class MemberSymmetry implements Symmetry {
  readonly #model: Model;
  readonly #spec: MemberSpec;
  /** By kind of slot (own state, each channel), then by member: slot numbers. */
  readonly #own: readonly (readonly number[])[];
  readonly #shared: readonly Shared[];
  /** What a value is, without the member's number: alike for all members. */
  readonly #classes = new Slot<unknown>("classes");
  readonly #classOf = new Map<string, number>();
  readonly #idOf = new Map<string, number>();
  readonly #entries = new Map<string, readonly number[]>();
  readonly #rebuilt = new Map<string, number>();

  /** @throws if the members do not have the same channels */
  constructor(model: Model, spec: MemberSpec) {
    this.#model = model;
    this.#spec = spec;
    const position = (name: string): number => model.slots.findIndex((slot) => slot.name === name);
    const [first] = spec.members;
    const kinds = model.slots.flatMap(({ name }) =>
      name.split(" -> ").includes(first!) ? [name.split(" -> ")] : [],
    );
    this.#own = kinds.map((parts) =>
      spec.members.map((member) => {
        const slot = position(parts.map((part) => (part === first ? member : part)).join(" -> "));
        if (slot < 0) throw new Error(`${member} lacks a channel that ${first} has`);
        return slot;
      }),
    );
    this.#shared = Object.entries(spec.indexed).map(([name, keys]) => ({
      slot: position(name),
      keys,
    }));
  }

  get remark(): string {
    return `the ${this.#spec.members.length} members are alike`;
  }

  /** All that members have is there from the start. */
  adapt(): void {}

  check(): void {}

  alike(property: string): readonly string[] {
    return [property];
  }

  canonicalize(ids: Int32Array): void {
    const members = this.#spec.members.map((_, member) => this.#tuple(ids, member));
    const sorted = members.toSorted(compareTuples);
    this.#own.forEach((slots, kind) => {
      slots.forEach((slot, member) => {
        ids[slot] = this.#idFor(slot, sorted[member]![kind]!, member);
      });
    });
    this.#shared.forEach((shared, i) => {
      const entries = sorted.map((tuple) => tuple[this.#own.length + i]!);
      ids[shared.slot] = this.#rebuild(shared, ids[shared.slot]!, entries);
    });
  }

  #tuple(ids: Int32Array, member: number): number[] {
    const own = this.#own.map((slots) => this.#class(slots[member]!, ids[slots[member]!]!, member));
    const about = this.#shared.map((shared) => this.#entriesOf(shared, ids[shared.slot]!)[member]!);
    return [...own, ...about];
  }

  #class(slot: number, id: number, member: number): number {
    const key = `${slot} ${id}`;
    const known = this.#classOf.get(key);
    if (known !== undefined) return known;
    const number = this.#classes.intern(this.#without(this.#plain(slot, id), member));
    this.#classOf.set(key, number);
    return number;
  }

  /** A slot's value as data: channels as lists of messages. */
  #plain(slot: number, id: number): unknown {
    const value = this.#model.slots[slot]!.values[id];
    if (this.#model.channels[slot] === null) return value;
    return (value as readonly number[]).map((message) => this.#model.messages.values[message]);
  }

  #idFor(slot: number, number: number, member: number): number {
    const key = `${slot} ${number}`;
    const known = this.#idOf.get(key);
    if (known !== undefined) return known;
    const value = this.#replace(this.#classes.values[number], SELF, member);
    const channel = this.#model.channels[slot] ?? null;
    let id: number;
    if (channel === null) id = this.#model.slots[slot]!.intern(value);
    else {
      const messages = (value as { type: string }[]).map((one) => this.#model.messages.intern(one));
      id = messages.reduce((state, message) => channel.append(state, message), 0);
    }
    this.#idOf.set(key, id);
    return id;
  }

  #entriesOf({ slot, keys }: Shared, id: number): readonly number[] {
    const key = `${slot} ${id}`;
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const { context } = this.#plain(slot, id) as { readonly context: Record<string, unknown[]> };
    const entries = this.#spec.members.map((_, member) =>
      this.#classes.intern(keys.map((field) => context[field]![member])),
    );
    this.#entries.set(key, entries);
    return entries;
  }

  #rebuild({ slot, keys }: Shared, id: number, entries: readonly number[]): number {
    const key = `${slot} ${id} ${entries.join(" ")}`;
    const known = this.#rebuilt.get(key);
    if (known !== undefined) return known;
    const state = this.#plain(slot, id) as { readonly value: unknown; readonly context: object };
    const lists = entries.map((entry) => this.#classes.values[entry] as readonly unknown[]);
    const fields = keys.map((field, at) => [field, lists.map((list) => list[at])] as const);
    const context = { ...state.context, ...Object.fromEntries(fields) };
    const rebuilt = this.#model.slots[slot]!.intern({ ...state, context });
    this.#rebuilt.set(key, rebuilt);
    return rebuilt;
  }

  #without(value: unknown, member: number): unknown {
    const text = canonical(value);
    const replaced = this.#replace(value, member, SELF);
    const left = this.#references(replaced).filter((one) => one !== SELF);
    if (left.length > 0) throw new Error(`${text} names another member than number ${member}`);
    return replaced;
  }

  #replace(value: unknown, from: unknown, to: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.#replace(one, from, to));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => {
        const is = this.#spec.references.includes(key) && inner === from;
        return [key, is ? to : this.#replace(inner, from, to)];
      }),
    );
  }

  #references(value: unknown): unknown[] {
    if (value === null || typeof value !== "object") return [];
    return Object.entries(value).flatMap(([key, inner]) =>
      this.#spec.references.includes(key) ? [inner] : this.#references(inner),
    );
  }
}

function compareTuples(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((part, i) => part !== other[i]);
  return at < 0 ? 0 : one[at]! - other[at]!;
}
