/** What becomes of slots when members get other numbers: which are whose. */

import { UserError } from "../../errors.ts";
import { itemAt } from "../../lookup.ts";
import { channelAt } from "./channel.ts";
import { type MemberSpec, type Model, slotNamed } from "./model.ts";

export class MemberSlots {
  /** By kind of slot (own state, each channel), then by member: slot numbers. */
  readonly own: readonly (readonly number[])[];
  /** Slots that remain where they are. */
  readonly shared: readonly number[];
  /** Channels between two members. */
  readonly between: readonly number[];
  readonly #model: Model;
  readonly #members: readonly number[];
  readonly #byEnds = new Map<string, number>();

  /** @throws UserError if members do not have the same channels */
  constructor(model: Model, { members }: MemberSpec) {
    this.#model = model;
    this.#members = members.map((name) => slotNamed(model, name, "symmetry"));
    model.channels.forEach((channel, slot) => {
      if (channel !== null)
        this.#byEnds.set(
          this.#endsOf(slot, (actor) => actor),
          slot,
        );
    });
    const own: number[][] = [];
    const assigned = new Set<number>();
    const shared: number[] = [];
    const between: number[] = [];
    for (const slot of model.slots.keys()) {
      if (assigned.has(slot)) continue;
      const owner = this.#ownerOf(slot);
      if (owner === null) {
        const isShared = members.every(
          (_, i) => this.image(slot, exchange(members.length, 0, i)) === slot,
        );
        (isShared ? shared : between).push(slot);
        continue;
      }
      const kind = members.map((_, member) =>
        this.image(slot, exchange(members.length, owner, member)),
      );
      for (const one of kind) assigned.add(one);
      own.push(kind);
    }
    this.own = own;
    this.shared = shared;
    this.between = between;
  }

  /** The slot that a slot becomes. @param places by member: the number that it gets */
  image(slot: number, places: readonly number[]): number {
    const { channels, slots } = this.#model;
    const moved = (actor: number): number => {
      const member = this.#members.indexOf(actor);
      return member < 0 ? actor : itemAt(this.#members, itemAt(places, member));
    };
    if (channels[slot] === null) return moved(slot);
    const found = this.#byEnds.get(this.#endsOf(slot, moved));
    if (found === undefined) {
      throw new UserError(
        `model ${this.#model.name}: symmetry: the members are not alike: the channel "${itemAt(slots, slot).name}" of one has no like of another`,
      );
    }
    return found;
  }

  /** The ends of a channel, and what it is like, as text. */
  #endsOf(slot: number, moved: (actor: number) => number): string {
    const channel = channelAt(this.#model.channels, slot);
    const receivers = channel.receivers.map(moved).sort((a, b) => a - b);
    const from = channel.from === null ? -1 : moved(channel.from);
    const { kind, lossy, duplicating, capacity, whenFull, fairness, name } = channel;
    const traits = [kind, lossy, duplicating, capacity, whenFull, fairness];
    const isToItself = name.endsWith("(sendTo)");
    return [from, receivers.join(" "), ...traits, isToItself].join(", ");
  }

  /** The member that a slot is of alone, if it is: whom all renumberings of the others leave it with. */
  #ownerOf(slot: number): number | null {
    const count = this.#members.length;
    const all = Array.from({ length: count }, (_, member) => member);
    const from = this.#model.channels[slot]?.from ?? slot;
    // Of two members a channel between them is the sender's.
    const first = this.#members.indexOf(from);
    const order = first < 0 ? all : [first, ...all.filter((one) => one !== first)];
    const isFixed = (places: readonly number[]): boolean => this.image(slot, places) === slot;
    if (all.every((one) => isFixed(exchange(count, 0, one)))) return null;
    const owner = order.find((member) => {
      const others = all.filter((one) => one !== member);
      return others.every((one) => isFixed(exchange(count, itemAt(others, 0), one)));
    });
    return owner ?? null;
  }
}

/** The renumbering that exchanges two members. */
export function exchange(count: number, one: number, other: number): readonly number[] {
  return Array.from({ length: count }, (_, member) => {
    if (member === one) return other;
    return member === other ? one : member;
  });
}
