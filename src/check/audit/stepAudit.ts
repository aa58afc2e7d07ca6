/**
 * Holds each step to what the model says of it, when it is first worked out, in every search. A step is looked up
 * ever after by its actor's state, its message and the memory that it declares (Device.touches); whatever else it
 * wrote would be lost, and whatever else it read would be taken for granted.
 *
 * Writes: all memory that there is (memoryMap.ts), and the state of every other actor, is compared before and after.
 * Reads: the step is worked out four times more, some of them five times, and must come to the same each time:
 * - twice with all other memory garbled, so that each bit is the other way in one of them; with other statistics
 *   in the actor's state and in the message; with other values in all that is said to be no state; at another time;
 * - with every other piece of memory in some other state that it is known to have;
 * - and, some steps later, once more as it was: what a device keeps for itself, in no memory, would tell. Then again
 *   with other memory in states that are known by then.
 * What is found is named by turning the differences back by halves, until one word is left.
 */

import {
  ofAnotherTurn,
  scrambledMessage,
  scrambledState,
} from "../../interconnect/normalFields.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import { ModelError } from "../engine/modelError.ts";
import type { MemoryMap } from "./memoryMap.ts";
import type { Change, MemoryImage, MemoryOutside, WordPlace } from "./memoryOutside.ts";
import {
  AS_IT_IS,
  type Effects,
  type Request,
  type Stage,
  type Step,
  type Steps,
  type Variation,
} from "./steps.ts";

/** Cycles. */
const SOME_TIME = 1_000_003;

/** Steps that may be worked out again. */
const PAST_KEPT = 1 << 12;

/** A step that was worked out before, to be worked out again. */
interface PastStep<Asked extends Request> {
  readonly step: Step<Asked>;
  readonly effects: Effects;
}

/** One thing that gets another value: a word of memory, a field of the state or of the message, or a slot's own slack. */
type Cause =
  | { readonly kind: "word"; readonly place: WordPlace }
  | { readonly kind: "field" | "payload"; readonly key: string }
  | { readonly kind: "time" }
  | { readonly kind: "slack"; readonly slot: number };

/** What differs between the step as it is and a variation. */
interface Difference {
  readonly more: number;
  readonly base: MemoryImage;
  readonly other: MemoryImage;
}

export class StepAudit<Asked extends Request> {
  readonly #steps: Steps<Asked>;
  readonly #stage: Stage;
  readonly #map: MemoryMap;
  readonly #timePasses: boolean;
  /** Steps that have been checked: by all that they may go by. */
  readonly #checked = new Set<string>();
  /** Of the steps so far, those that are worked out again. */
  readonly #past: PastStep<Asked>[] = [];
  #count = 0;

  /** @param timePasses steps must not depend on what time it is */
  constructor(steps: Steps<Asked>, stage: Stage, map: MemoryMap, timePasses: boolean) {
    this.#steps = steps;
    this.#stage = stage;
    this.#map = map;
    this.#timePasses = timePasses;
  }

  /** What a memory slot, by number, is called. */
  #nameOfSlot(slot: number): string {
    const { actors, memorySlots } = this.#stage;
    return itemAt(memorySlots, slot - actors.length).name;
  }

  /**
   * Works a step out, and checks it if it is the first time.
   * @throws ModelError if it is not as it is declared
   */
  work(step: Step<Asked>): Effects {
    const key = keyOf(step);
    if (this.#checked.has(key)) return this.#perform(step, AS_IT_IS);
    const effects = this.#check(step);
    this.#checked.add(key);
    return effects;
  }

  #check(step: Step<Asked>): Effects {
    const outside = this.#outsideOf(step);
    const effects = this.#perform(step, AS_IT_IS);
    const base = outside.read();
    for (const pattern of [0, 1] as const) {
      const other = outside.scrambled(base, pattern);
      this.#compare(step, effects, { more: pattern + 1, base, other });
    }
    outside.write(base);
    this.#compare(step, effects, { more: 3, base, other: this.#otherKnown(step) });
    this.#tryAnotherTurn(step, effects);
    outside.write(base);
    this.#workOutAgain(step, effects);
    return effects;
  }

  /** Names of the slots that a step declares. */
  #declared({ footprint }: Step<Asked>): readonly string[] {
    return footprint.map((slot) => this.#nameOfSlot(slot));
  }

  #outsideOf(step: Step<Asked>): MemoryOutside {
    return this.#map.outside(this.#declared(step));
  }

  #perform(step: Step<Asked>, variation: Variation): Effects {
    const { actors } = this.#stage;
    const outside = this.#outsideOf(step);
    let before: MemoryImage = [];
    let states: readonly (readonly unknown[])[] = [];
    const effects = this.#steps.perform(step, variation, () => {
      before = outside.read();
      states = this.#states();
    });
    // What is derived from its own actor's state is made anew before each step.
    const stray = outside.strayWrite(before, itemAt(actors, step.actor).name);
    if (stray !== null) throw this.#wrote(step, stray);
    const whose = this.#states().findIndex((fields, actor) => {
      return actor !== step.actor && fields.some((field, i) => field !== itemAt(states, actor)[i]);
    });
    if (whose < 0) return effects;
    throw new ModelError(
      `${this.#nameOf(step)} changes the state of ${itemAt(actors, whose).name}`,
    );
  }

  /** State and context of every actor: fields are replaced, never changed in place. */
  #states(): (readonly unknown[])[] {
    return this.#stage.actors.map(({ live: { value, context } }) => [
      value,
      ...Object.values(context),
    ]);
  }

  /** With every memory that the step does not declare in another state that it has had. */
  #otherKnown(step: Step<Asked>): MemoryImage {
    const { memorySlots, actors } = this.#stage;
    memorySlots.forEach(({ values }, memory) => {
      if (step.footprint.includes(actors.length + memory)) return;
      const number = Math.imul(this.#count + memory, 0x9e3779b1) >>> 0;
      this.#steps.restore(memory, number % values.length);
    });
    return this.#outsideOf(step).read();
  }

  #compare(step: Step<Asked>, wanted: Effects, difference: Difference): void {
    const differs = (causes: readonly Cause[] | null): boolean =>
      !isAlike(this.#perform(step, this.#vary(step, difference, causes)), wanted);
    if (!differs(null)) return;
    const causes = narrow(this.#causes(step, difference), differs);
    const [first] = causes;
    if (first === undefined) throw new ModelError(`${this.#nameOf(step)} ${DOES_OTHERWISE}`);
    const effects = this.#perform(step, this.#vary(step, difference, causes));
    const names = causes.slice(0, 3).map((cause) => this.#causeName(step, cause));
    const how = this.#difference(step, wanted, effects);
    throw new ModelError(
      first.kind === "word"
        ? `${this.#nameOf(step)} reads ${names.join(" and ")}, which it does not declare: ${how}`
        : `${this.#nameOf(step)} depends on ${names.join(" and ")}, which is declared not to be state: ${how}`,
    );
  }

  /** @param causes null: all of them */
  #vary(
    step: Step<Asked>,
    { more, base, other }: Difference,
    causes: readonly Cause[] | null,
  ): Variation {
    const { memory, actors, fields } = this.#stage;
    const isAsked = (kind: Cause["kind"]): boolean =>
      causes === null || causes.some((one) => one.kind === kind);
    const has = (kind: Cause["kind"]) => (key: string) =>
      causes === null || causes.some((one) => one.kind === kind && "key" in one && one.key === key);
    return {
      now: this.#timePasses && isAsked("time") ? more * SOME_TIME : 0,
      event: scrambledMessage(step.event, more, has("payload")),
      state: (state) => scrambledState(itemAt(fields, step.actor), state, more, has("field")),
      memory: () => {
        const words = causes?.flatMap((one) => (one.kind === "word" ? [one.place] : []));
        const outside = this.#outsideOf(step);
        outside.write(words === undefined ? other : outside.mixed(base, other, words));
        for (const slot of step.footprint) {
          const isSlack = causes?.some((one) => one.kind === "slack" && one.slot === slot) ?? true;
          if (isSlack) itemAt(memory, slot - actors.length).scramble();
        }
      },
    };
  }

  #causes(step: Step<Asked>, { base, other }: Difference): Cause[] {
    const { actorSlots } = this.#stage;
    const state = itemAt(itemAt(actorSlots, step.actor).values, wordAt(step.ids, step.actor));
    return [
      { kind: "time" },
      ...this.#outsideOf(step)
        .differences(base, other)
        .map((place): Cause => ({ kind: "word", place })),
      ...Object.keys(state.context).map((key): Cause => ({ kind: "field", key })),
      ...Object.keys(step.event).map((key): Cause => ({ kind: "payload", key })),
      ...step.footprint.map((slot): Cause => ({ kind: "slack", slot })),
    ];
  }

  #causeName(step: Step<Asked>, cause: Cause): string {
    const name = itemAt(this.#stage.actors, step.actor).name;
    switch (cause.kind) {
      case "word":
        return this.#outsideOf(step).nameOf(cause.place);
      case "field":
        return `"${cause.key}" of ${name}`;
      case "time":
        return "the time";
      case "payload":
        return `"${cause.key}" of its message`;
      case "slack":
        return `what ${this.#nameOfSlot(cause.slot)} does not save`;
    }
  }

  /** A timer of another turn changes nothing: see normalFields.ts. */
  #tryAnotherTurn(step: Step<Asked>, wanted: Effects): void {
    const event = ofAnotherTurn(step.event);
    if (event === null) return;
    const { actor, ids, footprint } = step;
    const { actors, actorSlots, memorySlots } = this.#stage;
    const effects = this.#perform(step, { event });
    const nothing: Effects = {
      choice: "",
      choices: 1,
      state: itemAt(itemAt(actorSlots, actor).values, wordAt(ids, actor)),
      memory: footprint.map((slot) =>
        itemAt(itemAt(memorySlots, slot - actors.length).values, wordAt(ids, slot)),
      ),
      posted: [],
      broken: [],
    };
    if (isAlike(effects, wanted) || isAlike(effects, nothing)) return;
    throw new ModelError(
      `${this.#nameOf(step)} does something else, and not nothing, with a message of another turn`,
    );
  }

  /** With each new step one of the past is worked out again, in turn: so each is, when there are twice as many. */
  #workOutAgain(step: Step<Asked>, effects: Effects): void {
    this.#count++;
    this.#past.push({ step: { ...step, ids: step.ids.slice() }, effects });
    const past = this.#past.shift();
    if (past === undefined) return;
    if (this.#past.length < PAST_KEPT) this.#past.push(past);
    const again = this.#perform(past.step, AS_IT_IS);
    if (!isAlike(again, past.effects)) {
      const how = this.#difference(past.step, past.effects, again);
      throw new ModelError(`${this.#nameOf(past.step)} ${DOES_OTHERWISE}: ${how}`);
    }
    // When it was first taken other memory may have had no other state yet.
    const outside = this.#outsideOf(past.step);
    const base = outside.read();
    this.#compare(past.step, past.effects, { more: 4, base, other: this.#otherKnown(past.step) });
    outside.write(base);
  }

  #wrote(step: Step<Asked>, { word, before, after }: Change): ModelError {
    const declared = this.#declared(step).join(", ") || "none";
    return new ModelError(
      `${this.#nameOf(step)} writes ${word} (${hex(before)} to ${hex(after)}), which it does not declare: it declares ${declared}`,
    );
  }

  #nameOf({ actor, event, requests }: Step<Asked>): string {
    const { actors } = this.#stage;
    const asked = requests.map(({ op }) => op).join(", ");
    return `${itemAt(actors, actor).name}, on "${event.type}"${asked === "" ? "" : ` (${asked})`},`;
  }

  /** What two outcomes of a step differ in, in words. */
  #difference({ actor, footprint }: Step<Asked>, one: Effects, other: Effects): string {
    if (!isAlike(one.broken, other.broken)) {
      const names = [one, other].map(({ broken }) => broken.join(", ") || "nothing");
      return `it breaks ${names.join(" or ")}`;
    }
    const slot = footprint.find((_, i) => !isAlike(one.memory[i], other.memory[i]));
    if (slot !== undefined) return `${this.#nameOfSlot(slot)} differs after it`;
    if (isAlike(one.state, other.state)) return "it sends other messages";
    const second = Object.entries(other.state?.context ?? {});
    const field = Object.entries(one.state?.context ?? {}).find(
      ([, value], i) => !isAlike(value, second[i]?.[1]),
    )?.[0];
    const name = itemAt(this.#stage.actors, actor).name;
    return field === undefined
      ? `${name} goes to another state`
      : `"${field}" of ${name} differs after it`;
  }
}

const DOES_OTHERWISE =
  "does something else when it is worked out again: it has a memory of its own";

/** What a step may go by: its actor's state, its message, the memory that it declares, what is chosen. */
function keyOf({ actor, ids, event, footprint, choice }: Step): string {
  const declared = [actor, ...footprint].map((slot) => ids[slot]);
  return JSON.stringify([actor, choice, event, footprint, declared]);
}

/** Few causes that make a difference: one, unless it takes several at once; none if all together make none. */
function narrow(
  all: readonly Cause[],
  differs: (causes: readonly Cause[]) => boolean,
): readonly Cause[] {
  let causes = all;
  for (let size = causes.length >> 1; size >= 1; ) {
    const pieces = Array.from({ length: Math.ceil(causes.length / size) }, (_, i) =>
      causes.slice(i * size, (i + 1) * size),
    );
    const enough = pieces.find((piece) => differs(piece));
    if (enough !== undefined) {
      causes = enough;
      size = causes.length >> 1;
      continue;
    }
    // It takes several: each piece that can be spared goes.
    for (const piece of pieces) {
      const rest = causes.filter((cause) => !piece.includes(cause));
      if (rest.length > 0 && rest.length < causes.length && differs(rest)) causes = rest;
    }
    size >>= 1;
  }
  return differs(causes) ? causes : [];
}

/** Whether two values, plain data, are equal. */
function isAlike(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
    return false;
  }
  if (Array.isArray(one)) {
    if (!Array.isArray(other) || one.length !== other.length) return false;
    for (let i = 0; i < one.length; i++) if (!isAlike(one[i], other[i])) return false;
    return true;
  }
  const keys = Object.keys(one);
  if (Array.isArray(other) || keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => isAlike(Reflect.get(one, key), Reflect.get(other, key)));
}

function hex(word: number | null): string {
  if (word === null) return "none";
  return word === (word | 0) ? `0x${(word >>> 0).toString(16)}` : String(word);
}
