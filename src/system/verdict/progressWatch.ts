/** Notices a run that gets nowhere, for whoever drives one to its end. */

import { vcpuMachine } from "../../../machines/vcpu.ts";
import { UserError } from "../../errors.ts";
import { Counter } from "../../hardware/counters.ts";
import { numberAt } from "../../lookup.ts";
import { contextOf } from "../actorContexts.ts";
import type { System } from "../system.ts";
import { LookTimes } from "./lookTimes.ts";
import { type Standstill, standstillOf, whoWaits } from "./standstill.ts";

/** Messages without a single access, after which the guests get nowhere. */
const STANDSTILL_MESSAGES = 200_000;

export class ProgressWatch {
  /** Once it has been found. */
  standstill: Standstill | null = null;
  readonly #system: System;
  readonly #looks = new LookTimes();
  #accesses = 0;
  #since = 0;
  /** VM entries when the last access was seen. */
  #entries = 0;

  constructor(system: System) {
    this.#system = system;
  }

  /**
   * Runs to the end, or until so many more messages were delivered, or the run is found to go no further.
   * Returns how many were delivered. @throws UserError as note does
   */
  run(messages = Number.POSITIVE_INFINITY): number {
    let delivered = 0;
    while (delivered < messages && this.standstill === null) {
      if (!this.#system.step()) {
        this.standstill = standstillOf(this.#system);
        break;
      }
      delivered++;
      this.note();
    }
    return delivered;
  }

  /**
   * A message was delivered. Returns whether the run may go on.
   * @throws UserError if guests enter and leave, but rounds or turns are so short that none ever completes an access
   */
  note(): boolean {
    if (this.#looks.isDue(this.#system.interconnect.now)) this.standstill = this.#look();
    return this.standstill === null;
  }

  #look(): Standstill | null {
    const { world, interconnect } = this.#system;
    const standstill = standstillOf(this.#system);
    if (standstill !== null || this.#system.done) return standstill;
    const accesses = world.vcpus.reduce(
      (sum, { counters }) => sum + numberAt(counters.values, Counter.accesses),
      0,
    );
    if (accesses !== this.#accesses) {
      this.#accesses = accesses;
      this.#since = interconnect.sequence;
      this.#entries = this.#countEntries();
      return null;
    }
    if (interconnect.sequence - this.#since <= STANDSTILL_MESSAGES) return null;
    if (this.#countEntries() === this.#entries) return whoWaits(this.#system);
    throw new UserError(
      `the guests get nowhere: no access was completed in ${STANDSTILL_MESSAGES} messages. ` +
        "The time between harvests, or a timeslice, is shorter than what one access costs",
    );
  }

  #countEntries(): number {
    const { actors } = this.#system;
    return actors.reduce((sum, actor) => {
      if (actor.role.kind !== "vcpu") return sum;
      return sum + contextOf(actor, vcpuMachine).entries;
    }, 0);
  }
}
