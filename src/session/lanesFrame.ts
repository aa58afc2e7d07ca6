/**
 * The mechanism as a picture: who takes part in tracking, side by side, and the messages between them in time. Alike ones to
 * oneself that follow each other are one row. What is shown follows from the ring of messages alone.
 */
import type { Delivery } from "../interconnect/messages.ts";
import { rowOf } from "../interconnect/messages.ts";
import type { ActorKind } from "../system/roles.ts";
import type { System } from "../system/system.ts";
import { LANES, type LaneName, type LaneRow, type LanesFrame } from "./frame.ts";
import type { MessageRing } from "./messageRing.ts";
import { lineOf, type StreamFilter } from "./streamFilter.ts";

/** By what an actor does. */
const LANE_OF: Readonly<Record<ActorKind, LaneName>> = {
  mmu: "guest",
  vcpu: "guest",
  logUnit: "unit",
  dispatcher: "hypervisor",
  scheduler: "hypervisor",
  runState: "hypervisor",
  ioDevice: "hypervisor",
  tracker: "tracker",
  operator: "tracker",
  pvmCpu: "pvm",
  toolstack: "operation",
  helper: "operation",
};

export interface LanesRequest {
  readonly rows: number;
  /** Position of the message under the cursor; null = the last one. */
  readonly cursor: number | null;
  /** Whether alike messages to oneself are one row. */
  readonly folded: boolean;
  readonly filter: StreamFilter | null;
  /** Messages that are looked at on each side of the cursor, at most. */
  readonly depth: number;
}

/** Of so many parts of the rows, those behind the cursor. */
const BEHIND = 0.4;

/** Messages that are one row: positions of the first and the last. */
interface Span {
  first: number;
  last: number;
}

export class LaneSampler {
  readonly #system: System;
  readonly #ring: MessageRing;
  /** By actor. */
  readonly #lanes = new Map<number, number>();

  constructor(system: System, ring: MessageRing) {
    this.#system = system;
    this.#ring = ring;
  }

  /** @param present position of the last message that was delivered */
  sample(request: LanesRequest, present: number): LanesFrame {
    const cursor = Math.min(present, request.cursor ?? present);
    const behind =
      cursor === present
        ? []
        : this.#spans(request, cursor + 1, present, Math.floor(BEHIND * request.rows));
    const before = this.#spans(request, cursor, 1, request.rows - behind.length);
    const cause = this.#ring.causeOf(cursor);
    const effects = this.#ring.effectsOf(cursor, behind.at(-1)?.last ?? cursor);
    const rows = [...before.toReversed(), ...behind].flatMap((span) => {
      const row = this.#rowOf(span);
      if (row === null) return [];
      const within = (at: number): boolean => at >= span.first && at <= span.last;
      const role = within(cursor)
        ? ("here" as const)
        : cause !== null && within(cause)
          ? ("cause" as const)
          : effects.some(within)
            ? ("effect" as const)
            : ("other" as const);
      return [{ ...row, role }];
    });
    return { lanes: LANES.filter((_, lane) => this.#exists(lane)), rows, step: this.#step(cursor) };
  }

  /** Spans from a position on to another one, or back to the first, so many at most, in the order in which they are met. */
  #spans(request: LanesRequest, from: number, to: number, most: number): Span[] {
    const { folded, filter, depth } = request;
    const by = to === 1 ? -1 : 1;
    const spans: Span[] = [];
    let last: Delivery | undefined;
    for (let at = from; by > 0 ? at <= to : at >= to; at += by) {
      if (Math.abs(at - from) >= depth) break;
      const delivery = this.#ring.delivery(at);
      if (delivery === undefined) break;
      const open = spans.at(-1);
      if (filter !== null && !this.#passes(at, filter)) {
        last = undefined;
        continue;
      }
      if (folded && open !== undefined && last !== undefined && this.#alike(last, delivery)) {
        open.first = Math.min(open.first, at);
        open.last = Math.max(open.last, at);
      } else {
        if (spans.length >= most) break;
        spans.push({ first: at, last: at });
      }
      last = delivery;
    }
    return spans;
  }

  #passes(at: number, { pattern, inverse }: StreamFilter): boolean {
    const entry = this.#ring.entry(at);
    return entry !== undefined && pattern.test(lineOf(entry)) !== inverse;
  }

  /** Messages of one type, each to its sender, without a step of page logging: what only goes on. */
  #alike(one: Delivery, other: Delivery): boolean {
    return (
      one.message.type === other.message.type &&
      one.from === one.to &&
      other.from === other.to &&
      (rowOf(one.message.type)?.step ?? 0) === 0 &&
      this.#laneOf(one.to) === this.#laneOf(other.to)
    );
  }

  #rowOf({ first, last }: Span): Omit<LaneRow, "role"> | null {
    const entry = this.#ring.entry(last);
    const delivery = this.#ring.delivery(last);
    if (entry === undefined || delivery === undefined) return null;
    const { time, type, kind, step } = entry;
    return {
      ...{ position: last, time, type, kind, step },
      count: last - first + 1,
      from: delivery.from === 0 ? null : this.#nameOf(delivery.from),
      to: this.#nameOf(delivery.to),
      who: entry.to,
    };
  }

  /**
   * The step of page logging that is under way (VEE21 fig. 1): that of the last message up to a position that has one;
   * the first while a guest runs, for the processor logs without a message.
   */
  #step(position: number): number {
    for (let at = position; at > 0; at--) {
      const delivery = this.#ring.delivery(at);
      if (delivery === undefined) return 0;
      const row = rowOf(delivery.message.type);
      if (row?.step !== undefined) return row.step;
      if (row?.kind === "run" && this.#laneOf(delivery.to) === LANES.indexOf("guest")) return 1;
    }
    return 0;
  }

  #nameOf(actor: number): LaneName {
    return LANES[this.#laneOf(actor)] ?? "operation";
  }

  #laneOf(actor: number): number {
    if (this.#lanes.size === 0) {
      for (const { id, role } of this.#system.actors) {
        this.#lanes.set(id, LANES.indexOf(LANE_OF[role.kind]));
      }
    }
    return this.#lanes.get(actor) ?? LANES.indexOf("operation");
  }

  #exists(lane: number): boolean {
    return this.#system.actors.some(({ id }) => this.#laneOf(id) === lane);
  }
}
