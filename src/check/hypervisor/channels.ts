/** The channels between the actors of a system: what each is called, and how it works. */
import { rowOf } from "../../interconnect/messages.ts";
import type { SystemActor } from "../../system/actors.ts";
import { type ActorRole, OPERATOR } from "../../system/roles.ts";
import { isInsideProcessor } from "../../system/wires.ts";
import type { ChannelOptions } from "../engine/channel.ts";

/**
 * How messages wait in a channel. at will: for ever, if nobody cares. in order: though they are timers. later: they take
 * their time, and come in no order with what is sent meanwhile.
 */
const MANNERS = ["", "at will", "in order", "later"] as const;
type Manner = (typeof MANNERS)[number];

/** Who sends or receives: an actor, or whoever gives commands from outside. */
export interface Party {
  readonly name: string;
  readonly role: ActorRole | null;
}

/** A channel that there may be. */
export interface Way {
  readonly name: string;
  readonly from: Party;
  readonly to: Party;
  readonly manner: Manner;
}

/** All channels that there may be between some actors. */
export class Ways {
  /** By address. */
  readonly #parties: readonly Party[];
  readonly #byName: ReadonlyMap<string, Way>;

  constructor(actors: readonly SystemActor[]) {
    this.#parties = [{ name: OPERATOR, role: null }, ...actors];
    const all = this.#parties.flatMap((from) =>
      actors.flatMap((to) =>
        MANNERS.map((manner): Way => ({ name: wayName(from, to, manner), from, to, manner })),
      ),
    );
    this.#byName = new Map(all.map((way) => [way.name, way]));
  }

  /** @throws if there can be no such channel */
  named(name: string): Way {
    const way = this.#byName.get(name);
    if (way === undefined) throw new Error(`there can be no channel "${name}"`);
    return way;
  }

  /** @throws if no actor has this address */
  party(id: number): Party {
    const party = this.#parties[id];
    if (party === undefined) throw new Error(`no actor has the address ${id}`);
    return party;
  }
}

export function wayName(from: Party, to: Party, manner: Manner): string {
  return `${from.name} -> ${to.name}${manner === "" ? "" : `, ${manner}`}`;
}

/** The channel by which an actor sends another, or itself, a message of a type, to be there after a delay. */
export function channelName(from: Party, to: Party, type: string, delay: number): string {
  return wayName(from, to, mannerOf(from, to, type, delay));
}

function mannerOf(from: Party, to: Party, type: string, delay: number): Manner {
  const { after, timer } = rowOf(type) ?? {};
  const isLater = delay > 0 || after === "work";
  if (isLater && isInside(from, to)) return "later";
  if (after === "endOfWork") return "later";
  if (from.name !== to.name) return "";
  if (timer === "inOrder") return "in order";
  // What must come at last is kept apart from what need not.
  return timer === "atWill" ? "at will" : "";
}

/** Whether a wire inside a processor leads from one to the other. */
export function isInside({ role: from }: Party, { role: to }: Party): boolean {
  return from !== null && to !== null && isInsideProcessor(from, to);
}

/**
 * @param numberOf of an actor; -1: it is none
 * @param typeOf the type of a message, by its number
 */
export function channelOptions(
  { from, to, manner }: Way,
  numberOf: (name: string) => number,
  typeOf: (message: number) => string,
): ChannelOptions {
  const sender = numberOf(from.name);
  return {
    ...(sender < 0 ? { outside: from.name } : { from: sender }),
    // Timers end in any order.
    kind: from.name === to.name && manner !== "in order" ? "bag" : "fifo",
    receivers: [numberOf(to.name)],
    // Numbers of turns are no state (normalFields.ts): one waiting timer stands for that of the present turn, and all
    // older ones, which mean nothing, are left out.
    coalesces: (message) => rowOf(typeOf(message))?.twice !== undefined,
    immediate: isInside(from, to) && manner !== "later",
    // Whether the operator ever asks for a harvest, or an end, is his choice: nothing may depend on it.
    fair: manner !== "at will",
  };
}
