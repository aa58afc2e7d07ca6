/**
 * Works out single steps of a system: puts an actor and the memory that it works on into a state, lets the real
 * actor handle the real message, and takes what came of it. Alone, or with other values in what the step must not
 * depend on (src/check/audit).
 */

import type { AnyEventObject } from "xstate";
import { EndlessStepError, UnhandledEventError } from "../../interconnect/compiledLogic.ts";
import { DelayOnWireError } from "../../interconnect/interconnect.ts";
import { type MachineState, normalMessage, normalState } from "../../interconnect/normalFields.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import type { SystemActor } from "../../system/actors.ts";
import type { MemoryPiece } from "../../system/memoryPieces.ts";
import type { System } from "../../system/system.ts";
import {
  AS_IT_IS,
  type Effects,
  type Posted,
  type Stage,
  type Step,
  type Steps,
  type Variation,
} from "../audit/steps.ts";
import { ModelError } from "../engine/modelError.ts";
import type { Ways } from "./channels.ts";
import type { Chooser } from "./choosers.ts";
import type { Due } from "./due.ts";
import { postedBy } from "./sentMessages.ts";
import { NO_PAGE_LOST, settlementOf } from "./settlement.ts";
import type { DeviceRequest, StepCheck, StepContext } from "./stepContext.ts";

/** No actor and no device throws. */
export const NO_ACTOR_FAILS = "no actor fails";
/** As in a running system, where it is an error: a machine says what it ignores (src/interconnect/ignored.ts). */
export const EVERY_MESSAGE_TAKEN = "every message is handled";

/** What steps are worked out with. */
export interface Binding extends Stage {
  readonly system: System;
  readonly actors: readonly SystemActor[];
  readonly ways: Ways;
  readonly memory: readonly MemoryPiece[];
  readonly choosers: readonly Chooser[];
  readonly stepChecks: readonly StepCheck[];
  /** Bits of the truth that a harvest must report. */
  readonly owed: number;
  /** Whether the truth is a debt that harvests settle. */
  readonly settles: boolean;
  /** By VM. */
  readonly dues: readonly Due[];
}

export class SystemSteps implements Steps<DeviceRequest> {
  readonly #binding: Binding;
  readonly #initials: readonly object[];
  /** Whether the step that is being worked out is one of the model's, and not a variation of one. */
  isNoted = false;

  constructor(binding: Binding) {
    this.#binding = binding;
    this.#initials = binding.actors.map(({ snapshot }) => snapshot.context);
  }

  /** An actor's state without what is no state. */
  stateOf(actor: number): MachineState {
    const { actors, fields } = this.#binding;
    return normalState(
      itemAt(fields, actor),
      itemAt(actors, actor).snapshot,
      itemAt(this.#initials, actor),
    );
  }

  /** What is on its way, with the names of its channels. Between channels there is no order. */
  posted(): Posted[] {
    const { system, ways } = this.#binding;
    const sent = system.interconnect.pending().map(({ from, to, time, message }) => ({
      from: ways.party(from),
      to: ways.party(to),
      delay: time - system.interconnect.now,
      message: normalMessage(message),
    }));
    return postedBy(sent).sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  }

  /** Puts a memory slot into the state with this number. */
  restore(memory: number, id: number): void {
    itemAt(this.#binding.memory, memory).restore(
      itemAt(itemAt(this.#binding.memorySlots, memory).values, id),
    );
  }

  /** @param begin called when all is in place. @throws ModelError */
  perform(step: Step<DeviceRequest>, variation: Variation, begin: () => void): Effects {
    const { system, actors, memory, choosers } = this.#binding;
    const { actor, ids, footprint } = step;
    for (const chooser of choosers) chooser.choose(step.choice);
    const one = itemAt(actors, actor);
    const first = actors.length;
    for (const slot of footprint) this.restore(slot - first, wordAt(ids, slot));
    variation.memory?.();
    const state = itemAt(itemAt(this.#binding.actorSlots, actor).values, wordAt(ids, actor));
    system.restoreActor(one, variation.state?.(state) ?? state);
    if (one.role.kind === "mmu") this.#deriveControls(step, one.role.pcpu);
    system.interconnect.restore({ now: variation.now ?? 0, sequence: 0, queue: [] });
    begin();
    this.isNoted = variation === AS_IT_IS;
    const broken = this.#handle(step, variation.event ?? step.event);
    this.isNoted = false;
    const chosen = chosenFrom(choosers, step.choice);
    if (typeof broken === "string") {
      return { ...chosen, state: null, memory: [], posted: [], broken: [broken] };
    }
    return {
      ...chosen,
      state: this.stateOf(actor),
      memory: footprint.map((slot) => itemAt(memory, slot - first).save()),
      posted: this.posted(),
      broken,
    };
  }

  /** Names of the properties that the step breaks; or that of the one, if it cannot be taken to its end. */
  #handle({ actor, requests }: Step<DeviceRequest>, event: AnyEventObject): string[] | string {
    const { system, actors, stepChecks, owed, settles, dues } = this.#binding;
    const one = itemAt(actors, actor);
    const context: StepContext = { system, role: one.role, requests, owed, dues };
    const checks = requests.length === 0 ? [] : stepChecks;
    const judges = checks.map((check) => [check.property, check.begin(context)] as const);
    const settlement = settles ? settlementOf(context) : null;
    try {
      one.handle(event);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (error instanceof DelayOnWireError || error instanceof EndlessStepError) {
        throw new ModelError(error.message);
      }
      // A reply of the device may be unhandled as well.
      return error instanceof UnhandledEventError ? EVERY_MESSAGE_TAKEN : NO_ACTOR_FAILS;
    }
    const broken = judges.flatMap(([name, judge]) => (judge === null || judge() ? [] : [name]));
    if (settlement?.() === true) broken.push(NO_PAGE_LOST);
    return broken;
  }

  /** As System.restore does, unless another is loaded now. */
  #deriveControls({ requests }: Step<DeviceRequest>, pcpu: number): void {
    const { world } = this.#binding.system;
    const number = wordAt(world.loaded.vcpus, pcpu) - 1;
    if (requests.some(({ vcpu }) => vcpu === number)) world.deriveControls(pcpu);
  }
}

/** @throws ModelError if a step asks for two things at once */
function chosenFrom(
  choosers: readonly Chooser[],
  choice: number,
): Pick<Effects, "choice" | "choices"> {
  const [chooser, other] = choosers.filter(({ asked }) => asked);
  if (chooser === undefined) return { choice: "", choices: 1 };
  if (other !== undefined) throw new ModelError("a step that asks for two choices");
  const { labels } = chooser;
  return { choice: itemAt(labels, choice % labels.length), choices: labels.length };
}
