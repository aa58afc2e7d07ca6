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

  /** The last steps of an actor up to a position, in order. */
  of(actor: SystemActor, position: number): readonly WayStep[] {
    const from = Math.max(0, position - MESSAGES);
    return this.#known(actor, from)
      .filter((step) => step.position > from && step.position <= position)
      .slice(-SHOWN);
  }

  /** Behind a message. */
  stateAt(actor: SystemActor, position: number): string {
    const steps = this.#known(actor, Math.max(0, position - MESSAGES));
    const next = steps.find((step) => step.position > position);
    return next?.from ?? actor.value;
  }

  /** Steps from a position to the present, and perhaps some before. */
  #known(actor: SystemActor, from: number): readonly WayStep[] {
    const watched = this.#watched.get(actor.id) ?? this.#watch(actor);
    const present = this.#timeline.position;
    const isKnown = watched.first <= from + 1 && watched.last >= present;
    if (!isKnown && present > from) {
      this.#timeline.again(
        from,
        () => {},
        () => {},
      );
    }
    return watched.steps.filter((step) => step.position <= present);
  }

  #watch(actor: SystemActor): Watched {
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
    return watched;
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
