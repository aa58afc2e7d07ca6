/**
 * Runs a recorded system again and compares it with its log: each message, the digest of the state
 * behind it, and all memory at each checkpoint.
 */

import type { Subscription } from "rxjs";
import type { Delivery } from "../interconnect/messages.ts";
import { present } from "../lookup.ts";
import type { SystemActor } from "../system/actors.ts";
import { InterventionError } from "../system/intervention.ts";
import type { System } from "../system/system.ts";
import type { LogEntry, MessageEntry } from "./decoder.ts";
import { actorsOf, type Divergence, differences, nameIn, sameDelivery } from "./divergence.ts";
import type { LogReader } from "./reader.ts";
import { StateDigests } from "./stateDigest.ts";
import { intervene, type TimedIntervention, timed } from "./timedIntervention.ts";

/** Messages shown before a difference. */
const BEFORE = 10;

export interface PlayerOptions {
  /** Machines whose actors' own states may differ from what was recorded: they were edited since. */
  readonly except?: readonly string[];
  /** Called after each entry that was replayed without a difference. */
  readonly onEntry?: (entry: LogEntry) => void;
}

export class Player {
  readonly system: System;
  readonly #log: LogReader;
  readonly #states: StateDigests;
  readonly #subscription: Subscription;
  readonly #before: Delivery[] = [];
  readonly #except: readonly SystemActor[];
  readonly #onEntry: (entry: LogEntry) => void;
  #actual: Delivery | null = null;
  #position = 0;

  /** @param system built from the log's header, with nothing delivered yet */
  constructor(log: LogReader, system: System, { except = [], onEntry }: PlayerOptions = {}) {
    this.#log = log;
    this.#except = system.actors.filter(({ machine }) => except.includes(machine.id));
    this.#onEntry = onEntry ?? (() => {});
    this.system = system;
    this.#states = new StateDigests(system);
    this.#subscription = system.interconnect.delivered.subscribe((delivery) => {
      this.#actual = delivery;
    });
  }

  /** Messages replayed so far. */
  get position(): number {
    return this.#position;
  }

  /** The message replayed last. */
  get last(): Delivery | null {
    return this.#before.at(-1) ?? null;
  }

  /**
   * Replays up to and with the next message. Returns true after a message, false at the log's end (or at
   * damage: see the reader), or the first difference, after which nothing more can be replayed.
   */
  step(): boolean | Divergence {
    for (;;) {
      const entry = this.#log.next();
      if (entry === undefined) return this.#end() ?? false;
      const difference = this.#replay(entry);
      if (difference !== null) return difference;
      this.#onEntry(entry);
      if (entry.kind === "message") return true;
    }
  }

  close(): void {
    this.#subscription.unsubscribe();
  }

  #replay(entry: LogEntry): Divergence | null {
    if (entry.kind === "message") return this.#message(entry);
    if (entry.kind === "checkpoint") return this.#checkpoint(entry.digests);
    return this.#intervene(timed(entry));
  }

  #message({ delivery: recorded, posted, digest }: MessageEntry): Divergence | null {
    // After an intervention it may have been delivered already.
    if (this.#actual === null && !this.system.step()) return this.#diverge("ended", recorded, []);
    const actual = present(this.#actual, "what was delivered");
    if (!sameDelivery(recorded, actual)) return this.#diverge("message", recorded, []);
    if (this.#except.every(({ id }) => id !== actual.to)) {
      const same = this.system.interconnect.sequence === posted;
      if (!same || this.#states.of(actual.to) !== digest) {
        return this.#diverge("state", recorded, []);
      }
    }
    this.#actual = null;
    this.#position++;
    this.#before.push(actual);
    if (this.#before.length > BEFORE) this.#before.shift();
    return null;
  }

  #checkpoint(recorded: readonly string[]): Divergence | null {
    const { parts } = this.#log.header;
    const actual = this.system.digests();
    const differing = parts.filter((part, i) => {
      const digest = actual[part];
      if (this.#except.some(({ name }) => part === `actor ${name}`)) return false;
      return digest !== undefined && digest !== recorded[i];
    });
    return differing.length === 0 ? null : this.#diverge("checkpoint", null, differing);
  }

  /**
   * @throws InterventionError if it cannot be done to the run that the log's own machines make: then it never
   * was. Edited ones may have come to something else.
   */
  #intervene(made: TimedIntervention): Divergence | null {
    try {
      intervene(this.system, made);
      return null;
    } catch (error) {
      if (!(error instanceof InterventionError) || this.#except.length === 0) throw error;
      return this.#diverge("intervention", null, [`${made.intervention.kind}: ${error.message}`]);
    }
  }

  #end(): Divergence | null {
    const { end } = this.#log;
    if (end?.complete !== true || this.system.done || !this.system.step()) return null;
    return this.#diverge("continues", null, []);
  }

  #diverge(
    kind: Divergence["kind"],
    recorded: Delivery | null,
    detail: readonly string[],
  ): Divergence {
    const actual = this.#actual;
    const nameOf = (id: number): string => nameIn(this.system, id);
    const both = recorded !== null && actual !== null;
    return {
      kind,
      position: this.#position,
      recorded,
      actual,
      fields: both ? differences(recorded, actual, nameOf) : [],
      before: [...this.#before],
      actors: actorsOf(this.system, [actual, recorded]),
      detail,
    };
  }
}
