/**
 * The ways that actors take through their statecharts, step by step, replies of their devices included. An actor is watched
 * from when its chart is looked at first; what it did before that is learnt by going there once more. So what is told
 * follows from the run and the position, and not from when somebody looked.
 */
import type { Delivery } from "../interconnect/messages.ts";
import { itemAt } from "../lookup.ts";
import type { Timeline } from "../replay/timeline.ts";
import type { SystemActor } from "../system/actors.ts";
import type { WayStep } from "./frame.ts";
import { chartOf } from "./statechart.ts";

/** Messages that are looked back over. */
const MESSAGES = 256;
/** Steps kept of an actor, and shown of them. */
const KEPT = 4096;
const SHOWN = 12;

/** Of one actor, what it did while the messages from one position to another were delivered. */
interface Watched {
  steps: WayStep[];
  first: number;
  last: number;
  /** Steps of the message that is being delivered. */
  under: Omit<WayStep, "position">[];
}

export class Ways {
  readonly #timeline: Timeline;
  readonly #watched = new Map<number, Watched>();

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
    const { interconnect } = timeline.system;
    interconnect.delivered.subscribe((delivery) => this.#note(delivery, timeline.position + 1));
  }

  /** Whether all is known that `of` and `stateAt` tell of it. */
  knows(actor: SystemActor, position: number): boolean {
    const present = this.#timeline.position;
    const from = firstOf(position);
    const watched = this.#watched.get(actor.id);
    if (watched === undefined) return present === from;
    return present <= from || (watched.first <= from + 1 && watched.last >= present);
  }

  /**
   * From here on the actor is watched; what it has done before is learnt by going there once more. In pieces: each yield says how much
   * of the way is done.
   */
  *learning(actor: SystemActor, position: number): Generator<number, void> {
    if (!this.#watched.has(actor.id)) this.#watch(actor);
    if (!this.knows(actor, position)) yield* this.#timeline.goingAgain(firstOf(position));
  }

  /** The last steps of an actor up to a position, in order, as far as they are known. */
  of(actor: SystemActor, position: number): readonly WayStep[] {
    const from = firstOf(position);
    return this.#stepsOf(actor)
      .filter((step) => step.position > from && step.position <= position)
      .slice(-SHOWN);
  }

  /** Behind a message whose way is known. */
  stateAt(actor: SystemActor, position: number): string {
    const next = this.#stepsOf(actor).find((step) => step.position > position);
    return next?.from ?? actor.value;
  }

  /** Up to the present. */
  #stepsOf({ id }: SystemActor): readonly WayStep[] {
    const present = this.#timeline.position;
    return (this.#watched.get(id)?.steps ?? []).filter((step) => step.position <= present);
  }

  #watch(actor: SystemActor): void {
    const watched: Watched = { steps: [], first: 0, last: -1, under: [] };
    this.#watched.set(actor.id, watched);
    const chart = new Map(chartOf(actor.machine).map((state) => [state.name, state.transitions]));
    const everywhere = chart.get("any") ?? [];
    actor.watch((from, event, number) => {
      const own = [...(chart.get(from) ?? []), ...everywhere];
      const taken = own.filter((one) => one.event === event)[number];
      if (taken === undefined) return;
      const { guard, target } = taken;
      watched.under.push({ event, guard, from, to: target === "" ? from : target });
    });
  }

  #note({ to }: Delivery, position: number): void {
    for (const [id, watched] of this.#watched) {
      const { first, last } = watched;
      const goesOn = position >= first && position <= last + 1;
      if (!goesOn) Object.assign(watched, { steps: [], first: position });
      else if (position <= last) {
        watched.steps = watched.steps.filter((step) => step.position < position);
      }
      watched.last = position;
      if (id !== to) continue;
      for (const step of watched.under.splice(0)) watched.steps.push({ position, ...step });
      if (watched.steps.length > KEPT) {
        watched.steps = watched.steps.slice(-KEPT / 2);
        watched.first = itemAt(watched.steps, 0).position;
      }
    }
  }
}

/** The messages behind this position are looked back over. */
function firstOf(position: number): number {
  return Math.max(0, position - MESSAGES);
}
