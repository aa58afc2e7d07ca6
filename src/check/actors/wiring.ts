/** The channels between a model's actors, and which of them an emitted event goes into. */
import type { AnyEventObject } from "xstate";
import { nearest } from "../../config/nearest.ts";
import { UserError } from "../../errors.ts";
import { itemAt } from "../../lookup.ts";
import { Channel } from "../engine/channel.ts";
import { canonical } from "../engine/encoding.ts";
import type { Slot } from "../engine/slot.ts";
import type { Wire } from "./spec.ts";
import { validateEvent } from "./validate.ts";

/** Numbers of a channel's slot and of a message. */
export type Send = readonly [channel: number, message: number];

/** One way of an event type from an actor. */
interface Route {
  /** Slot of its channel. */
  readonly channel: number;
  readonly wire: Wire;
  /** The receiver, of a channel that has one. */
  readonly receiver: string;
}

export class Wiring {
  /** By actor: the slot of the channel from itself to itself for sendTo; made where it may be needed. */
  readonly #itself: readonly (number | null)[];
  readonly #names: readonly string[];
  readonly #slots: Slot[];
  readonly #channels: (Channel | null)[];
  readonly #messages: Slot<AnyEventObject>;
  /** By sender and type of the event. */
  readonly #routes = new Map<string, Map<string, Route[]>>();
  /** By the ends of a channel: its slot, and the wire that first said what it is like. */
  readonly #known = new Map<string, { readonly slot: number; readonly wire: Wire }>();

  /**
   * @param slots those of the actors; channels are added
   * @param sendsToItself by actor: whether its machine may send to itself
   * @throws UserError if wires contradict each other
   */
  constructor(
    {
      names,
      wires,
      sendsToItself,
      model,
    }: {
      readonly names: readonly string[];
      readonly wires: readonly Wire[];
      readonly sendsToItself: readonly boolean[];
      readonly model: string;
    },
    slots: Slot[],
    channels: (Channel | null)[],
    messages: Slot<AnyEventObject>,
  ) {
    this.#names = names;
    this.#slots = slots;
    this.#channels = channels;
    this.#messages = messages;
    for (const wire of wires) this.#add(wire, model);
    this.#itself = names.map((name, actor) => {
      if (!sendsToItself[actor]) return null;
      const channel = new Channel(`${name} -> ${name} (sendTo)`, {
        kind: "fifo",
        from: actor,
        receivers: [actor],
      });
      return this.#addSlot(channel);
    });
  }

  #addSlot(channel: Channel): number {
    this.#slots.push(channel);
    this.#channels.push(channel);
    return this.#slots.length - 1;
  }

  #add(wire: Wire, model: string): void {
    const { from, event, to, kind = "fifo" } = wire;
    // A board has all its receivers; other channels have one each.
    const groups = kind === "shared" ? [to] : to.map((receiver) => [receiver]);
    const types = this.#routes.get(from) ?? new Map<string, Route[]>();
    const routes = types.get(event) ?? [];
    for (const group of groups) {
      const channel = this.#channelOf(wire, group, model);
      const receiver = itemAt(group, 0);
      if (routes.some((route) => route.channel === channel)) {
        throw new UserError(
          `model ${model}: two wires carry "${event}" from "${from}" to "${group.join('", "')}"`,
        );
      }
      routes.push({ channel, wire, receiver });
    }
    types.set(event, routes);
    this.#routes.set(from, types);
  }

  #channelOf(wire: Wire, group: readonly string[], model: string): number {
    const { from } = wire;
    const isToOne = group.length === 1;
    const key = canonical([from, group.toSorted()]);
    const known = this.#known.get(key);
    if (known !== undefined) {
      const [one, other] = [traitsOf(known.wire), traitsOf(wire)];
      if (one !== other) {
        throw new UserError(
          `model ${model}: the wires from "${from}" to "${group.join('", "')}" share a channel, and differ: "${known.wire.event}" is ${one}, "${wire.event}" is ${other}`,
        );
      }
      return known.slot;
    }
    const others = this.#names.filter((name) => name !== from);
    const isToAll = !isToOne && group.length === others.length && !group.includes(from);
    const channel = new Channel(`${from} -> ${isToAll ? "all" : group.join(", ")}`, {
      kind: wire.kind ?? "fifo",
      from: this.#names.indexOf(from),
      receivers: group.map((name) => this.#names.indexOf(name)),
      lossy: wire.lossy ?? false,
      duplicating: wire.duplicating ?? false,
      fair: wire.fair ?? "weak",
      whenFull: wire.whenFull ?? "block",
      ...(wire.capacity === undefined ? {} : { capacity: wire.capacity }),
    });
    const slot = this.#addSlot(channel);
    this.#known.set(key, { slot, wire });
    return slot;
  }

  /**
   * Where an emitted event goes; empty if no wire carries it.
   * @throws UserError if it is no event, or is addressed to nobody
   */
  sends(actor: number, event: AnyEventObject): readonly Send[] {
    const name = itemAt(this.#names, actor);
    validateEvent(event, name);
    const routes = this.#routes.get(name)?.get(event.type) ?? [];
    const taken = routes.filter((route) => this.#isAddressed(route, event));
    if (routes.length > 0 && taken.length === 0) this.#refuseAddress(name, routes, event);
    return taken.map(({ channel, wire: { sender } }) => {
      const sent = sender === undefined ? event : { ...event, [sender]: name };
      return [channel, this.#messages.intern(sent)];
    });
  }

  #isAddressed({ wire: { address }, receiver }: Route, event: AnyEventObject): boolean {
    if (address === undefined) return true;
    const to: unknown = event[address];
    return Array.isArray(to) ? to.includes(receiver) : to === receiver;
  }

  #refuseAddress(name: string, routes: readonly Route[], event: AnyEventObject): void {
    const { address } = itemAt(routes, 0).wire;
    const to: unknown = event[address!];
    // A list may be empty: it is sent to nobody.
    if (Array.isArray(to) && to.length === 0) return;
    const receivers = routes.map(({ receiver }) => receiver);
    const near = typeof to === "string" ? nearest(to, receivers) : "";
    throw new UserError(
      `${name}: "${event.type}" is addressed ("${address}") to ${canonical(to)}, and no wire leads there${near}`,
    );
  }

  /** A message of an actor to itself, by sendTo. */
  sendToItself(actor: number, event: AnyEventObject): Send {
    validateEvent(event, itemAt(this.#names, actor));
    const slot = this.#itself[actor];
    if (slot === null || slot === undefined) throw new Error("a machine without sendTo sends");
    return [slot, this.#messages.intern(event)];
  }

  /** Types that wires carry from an actor. */
  typesOf(name: string): readonly string[] {
    return [...(this.#routes.get(name)?.keys() ?? [])];
  }
}

/** What a channel is like, in words. */
function traitsOf(wire: Wire): string {
  const { kind = "fifo", lossy, duplicating, capacity, whenFull = "block", fair = "weak" } = wire;
  return [
    kind,
    ...(lossy ? ["lossy"] : []),
    ...(duplicating ? ["duplicating"] : []),
    ...(capacity === undefined ? [] : [`of ${capacity} messages (when full: ${whenFull})`]),
    ...(fair === "weak" ? [] : [fair === false ? "unfair" : `${fair}ly fair`]),
  ].join(" ");
}
