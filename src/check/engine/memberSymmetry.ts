/**
 * Full symmetry of a group of actors that differ by their number alone. Each state is replaced by one
 * representative: the members are sorted by everything that is theirs (own state, own channels, and their part in
 * what others keep). The key is complete unless what is one member's speaks of another, so the representative
 * does not depend on the order of search, and the count is that of the orbits. It does not look at each
 * permutation, as GroupSymmetry does: nine managers of two-phase commit have 362,880. Where something does
 * speak of another, the orders that the key leaves open are tried, and the least state is taken.
 */
import { UserError } from "../../errors.ts";
import { itemAt, valueUnder, wordAt } from "../../lookup.ts";
import { canonical } from "./encoding.ts";
import type { Expander } from "./expander.ts";
import { MemberCheck } from "./memberCheck.ts";
import { MemberData, OTHER, OTHER_OF_ITS_OWN } from "./memberData.ts";
import { exchange, MemberSlots } from "./memberSlots.ts";
import type { MemberSpec, Model, Renaming } from "./model.ts";
import { Slot } from "./slot.ts";
import { StateRenaming } from "./stateRenaming.ts";
import type { Symmetry } from "./symmetry.ts";

/** Orders of members that look alike, that are tried for one state. */
const ORDERS_MOST = 5040;

export class MemberSymmetry implements Symmetry {
  readonly #model: Model;
  readonly #spec: MemberSpec;
  readonly #data: MemberData;
  readonly #slots: MemberSlots;
  /** What a value is from the side of one member. */
  readonly #classes = new Slot<unknown>("classes");
  /** Of these: whether another member is spoken of, and whether that is in what is the member's alone. */
  readonly #speaks: boolean[] = [];
  readonly #speaksAlone: boolean[] = [];
  /** By slot and number: the class, or the class for each member. */
  readonly #ownClasses: number[][];
  readonly #views: (readonly number[])[][];
  /** By slot and class: the number of the value that is of that class there. */
  readonly #ids: number[][];
  readonly #moved = new Map<string, number>();
  readonly #renamings = new Map<string, StateRenaming>();
  readonly #check: MemberCheck;

  /** @throws UserError if the members do not have the same channels, or a property is of some of them */
  constructor(model: Model, spec: MemberSpec) {
    this.#model = model;
    this.#spec = spec;
    this.#data = new MemberData(spec);
    this.#slots = new MemberSlots(model, spec);
    this.#ownClasses = model.slots.map(() => []);
    this.#views = model.slots.map(() => []);
    this.#ids = model.slots.map(() => []);
    const { count } = this.#data;
    // These generate all permutations.
    const neighbours = Array.from({ length: count - 1 }, (_, i) =>
      this.#renaming(exchange(count, i, i + 1)),
    );
    this.#check = new MemberCheck(model, neighbours);
  }

  get remark(): string {
    const tried = this.#check.untried;
    const rest =
      tried.length === 0
        ? ""
        : `; whether "${tried.join('", "')}" is the same for all orders was tried with pairs of neighbours alone for some states`;
    return `the ${this.#spec.members.length} members are alike${rest}`;
  }

  /** All that members have is there from the start. */
  adapt(): void {}

  attach(expander: Expander): void {
    this.#check.attach(expander);
  }

  check(expander: Expander): void {
    this.#check.look(expander);
  }

  alike(property: string): readonly string[] {
    return [property];
  }

  canonicalize(ids: Int32Array): void {
    const { own, shared } = this.#slots;
    const tuples = this.#spec.members.map((_, member) => this.#tuple(ids, member));
    const order = Array.from(tuples.keys());
    order.sort(
      (one, other) => compareTuples(itemAt(tuples, one), itemAt(tuples, other)) || one - other,
    );
    if (this.#speaksOfOthers(ids, tuples)) {
      ids.set(this.#least(ids, order, tuples));
      return;
    }
    if (order.every((member, place) => member === place)) return;
    own.forEach((slots, kind) => {
      const before = slots.map((slot) => wordAt(ids, slot));
      slots.forEach((slot, place) => {
        const member = itemAt(order, place);
        const number = itemAt(itemAt(tuples, member), kind);
        ids[slot] =
          itemAt(this.#ids, slot)[number] ??
          this.#findId(kind, place, member, itemAt(before, member), number);
      });
    });
    const places = inverse(order);
    for (const slot of shared) ids[slot] = this.#movedId(slot, wordAt(ids, slot), places, tuples);
  }

  #tuple(ids: Int32Array, member: number): number[] {
    const own = this.#slots.own.map((slots) =>
      this.#classOf(itemAt(slots, member), wordAt(ids, itemAt(slots, member)), member),
    );
    const about = this.#slots.shared.map((slot) =>
      itemAt(this.#viewsOf(slot, wordAt(ids, slot)), member),
    );
    return [...own, ...about];
  }

  /** The class of what is a member's own. */
  #classOf(slot: number, id: number, member: number): number {
    const known = itemAt(this.#ownClasses, slot)[id];
    if (known !== undefined) return known;
    const found = this.#class(slot, id, member);
    itemAt(this.#ownClasses, slot)[id] = found;
    return found;
  }

  /** By member: the class of its part in what is not its own. */
  #viewsOf(slot: number, id: number): readonly number[] {
    const known = itemAt(this.#views, slot)[id];
    if (known !== undefined) return known;
    const found = this.#spec.members.map((_, member) => this.#class(slot, id, member));
    itemAt(this.#views, slot)[id] = found;
    return found;
  }

  #class(slot: number, id: number, member: number): number {
    const { name } = itemAt(this.#model.slots, slot);
    const view = this.#data.view(name, this.#plain(slot, id), member);
    const text = canonical(view, name);
    const number = this.#classes.intern(view, text);
    this.#speaksAlone[number] ??= text.includes(JSON.stringify(OTHER_OF_ITS_OWN));
    this.#speaks[number] ??= this.#speaksAlone[number] || text.includes(JSON.stringify(OTHER));
    return number;
  }

  /** A slot's value as data: channels as lists of messages. */
  #plain(slot: number, id: number): unknown {
    const channel = this.#model.channels[slot] ?? null;
    if (channel === null) return itemAt(this.#model.slots, slot).values[id];
    return itemAt(channel.values, id).map((message) => this.#model.messages.values[message]);
  }

  /**
   * Whether what is one member's speaks of another. In what is not of a member every part is one's own
   * or another's, so that the parts of all of them say whose each is; but an entry of a list may speak of others.
   */
  #speaksOfOthers(ids: Int32Array, tuples: readonly (readonly number[])[]): boolean {
    const { own, between } = this.#slots;
    if (between.some((slot) => ids[slot] !== 0)) return true;
    const kinds = own.length;
    return tuples.some((tuple) =>
      tuple.some((number, at) => (at < kinds ? this.#speaks : this.#speaksAlone)[number]),
    );
  }

  #hasLists(slot: number): boolean {
    return (this.#spec.indexed[itemAt(this.#model.slots, slot).name] ?? []).length > 0;
  }

  /** The number of a member's own value when the member has another place. */
  #findId(kind: number, place: number, member: number, id: number, number: number): number {
    const slots = itemAt(this.#slots.own, kind);
    const [from, to] = [itemAt(slots, member), itemAt(slots, place)];
    const renaming = this.#renaming(exchange(this.#data.count, member, place));
    const found = renaming.idOf(from, id);
    itemAt(this.#ids, to)[number] = found;
    return found;
  }

  #movedId(
    slot: number,
    id: number,
    places: readonly number[],
    tuples: readonly (readonly number[])[],
  ): number {
    const at = this.#slots.own.length + this.#slots.shared.indexOf(slot);
    // Nobody has a part in it.
    if (
      tuples.every(
        (tuple) => tuple[at] === itemAt(tuples, 0)[at] && !this.#speaks[itemAt(tuple, at)],
      )
    ) {
      if (!this.#hasLists(slot)) return id;
    }
    const key = `${slot} ${id} ${places.join(" ")}`;
    const known = this.#moved.get(key);
    if (known !== undefined) return known;
    const found = this.#movedValue(slot, id, places);
    this.#moved.set(key, found);
    return found;
  }

  #movedValue(slot: number, id: number, places: readonly number[]): number {
    const { slots, channels, messages } = this.#model;
    const { name } = itemAt(slots, slot);
    const channel = channels[slot] ?? null;
    if (channel === null) {
      return itemAt(slots, slot).intern(
        this.#data.renamed(name, itemAt(slots, slot).values[id], places),
      );
    }
    const waiting = itemAt(channel.values, id).map((message) =>
      messages.intern(this.#data.renamedMessage(itemAt(messages.values, message), places)),
    );
    if (channel.kind !== "fifo") waiting.sort((a, b) => a - b);
    return channel.intern(waiting);
  }

  /** The least of the states that the orders give which the key leaves open. */
  #least(
    ids: Int32Array,
    order: readonly number[],
    tuples: readonly (readonly number[])[],
  ): Int32Array {
    let least: Int32Array | null = null;
    let left = ORDERS_MOST;
    for (const one of ordersOf(order, tuples)) {
      if (left-- === 0) {
        throw new UserError(
          `model ${this.#model.name}: symmetry: too many members that look alike speak of others; search without --symmetry`,
        );
      }
      const image = new Int32Array(ids.length);
      this.#renaming(inverse(one)).apply(ids, image);
      if (least === null || isLess(image, least)) least = image;
    }
    return least!;
  }

  #renaming(places: readonly number[]): StateRenaming {
    const key = places.join(" ");
    const known = this.#renamings.get(key);
    if (known !== undefined) return known;
    const made = renamingOf(this.#model, this.#spec, this.#data, this.#slots, places);
    this.#renamings.set(key, made);
    return made;
  }
}

function renamingOf(
  model: Model,
  { members }: MemberSpec,
  data: MemberData,
  memberSlots: MemberSlots,
  places: readonly number[],
): StateRenaming {
  const { slots } = model;
  const numberOf = new Map(slots.map(({ name }, slot) => [name, slot]));
  const moved = members.filter((_, member) => places[member] !== member);
  const renaming: Renaming = {
    what: `exchanging ${moved.join(" and ")}`,
    slot: (name) => itemAt(slots, memberSlots.image(valueUnder(numberOf, name), places)).name,
    value: (slot, value) => data.renamed(slot, value, places),
    message: (_channel, message) => data.renamedMessage(message, places),
    property: (name) => name,
  };
  const made = new StateRenaming(
    model,
    { slotNamed: (name) => valueUnder(numberOf, name) },
    renaming,
  );
  made.adapt();
  return made;
}

/** All orders that differ from one by the order of members whose tuples are equal. */
function* ordersOf(
  order: readonly number[],
  tuples: readonly (readonly number[])[],
): Generator<readonly number[]> {
  const groups: number[][] = [];
  for (const member of order) {
    const last = groups.at(-1);
    if (
      last !== undefined &&
      compareTuples(itemAt(tuples, itemAt(last, 0)), itemAt(tuples, member)) === 0
    ) {
      last.push(member);
    } else groups.push([member]);
  }
  function* from(at: number): Generator<readonly number[]> {
    if (at === groups.length) yield [];
    else {
      for (const first of permutations(itemAt(groups, at))) {
        for (const rest of from(at + 1)) yield [...first, ...rest];
      }
    }
  }
  yield* from(0);
}

function* permutations(list: readonly number[]): Generator<readonly number[]> {
  if (list.length < 2) yield list;
  else {
    for (const one of list) {
      for (const rest of permutations(list.filter((other) => other !== one))) yield [one, ...rest];
    }
  }
}

/** From members by place to places by member. */
function inverse(order: readonly number[]): readonly number[] {
  const places: number[] = [];
  order.forEach((member, place) => {
    places[member] = place;
  });
  return places;
}

function isLess(one: Int32Array, other: Int32Array): boolean {
  const at = one.findIndex((id, slot) => id !== other[slot]);
  return at >= 0 && wordAt(one, at) < wordAt(other, at);
}

function compareTuples(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((part, i) => part !== other[i]);
  return at < 0 ? 0 : itemAt(one, at) - itemAt(other, at);
}
