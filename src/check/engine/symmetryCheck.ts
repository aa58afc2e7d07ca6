/**
 * Checks, while a search with symmetry goes on, that the model is symmetric: that the images of a state
 * under the group have the same next states, up to what they are called. So a mistake in the tables of
 * names, a fault that treats two vCPUs unlike, or code that goes by numbers, ends the search with a word.
 *
 * Strictly: a step of a state, renamed, is a step of the renamed state. What a step does follows from the
 * values that it looks at, so that needs to be seen once for each local step: at the states where one is
 * worked out. With the whole group at each of these, it holds for every state that is found.
 *
 * Some steps are right without that: the scheduler starts the vCPUs of a VM in the order of their numbers
 * while they are all still the same. There, what follows is in the same orbits, though the images are not
 * each other's. That depends on the rest of the state, so every state with such a step is looked at; and every
 * state in which two wires without latency are busy, of which the expander takes the first.
 */
import { UserError } from "../../errors.ts";
import { itemAt, wordAt } from "../../lookup.ts";
import type { Expander } from "./expander.ts";
import type { Model } from "./model.ts";
import type { StateRenaming } from "./stateRenaming.ts";
import type { Symmetry } from "./symmetry.ts";
import { BY_ITSELF, isWithoutStep } from "./transitions.ts";

type Orbits = Pick<Symmetry, "adapt" | "canonicalize">;

/** A step of a state: who does it, by which channel, what it breaks, and the state after it. */
interface Next {
  /** The local step, or, of one that only drops its message, whose it is. */
  readonly local: number;
  readonly component: number;
  readonly channel: number;
  readonly broken: number;
  readonly ids: Int32Array;
}

export class SymmetryCheck {
  readonly #model: Model;
  readonly #renamings: readonly StateRenaming[];
  readonly #symmetry: Orbits;
  /** Local steps worked out when the last state was looked at. */
  #misses = 0;
  /** Local steps that are not strictly symmetric. */
  readonly #loose = new Set<number>();
  /** Slots of wires without latency. */
  #wires: readonly number[] = [];
  #slots = 0;

  constructor(model: Model, renamings: readonly StateRenaming[], symmetry: Orbits) {
    this.#model = model;
    this.#renamings = renamings;
    this.#symmetry = symmetry;
  }

  /** @param expander has just expanded a state; it is left as it was */
  look(expander: Expander): void {
    const hasLearnt = expander.steps.misses !== this.#misses;
    if (!hasLearnt && !this.#isLoose(expander) && !this.#isCrowded(expander.ids)) return;
    const ids = expander.ids.slice();
    const own = nextOf(expander);
    let orbits: string | null = null;
    for (const renaming of this.#renamings) {
      this.#symmetry.adapt();
      if (expander.isOutdated) return;
      renaming.apply(ids, expander.ids);
      expander.expand();
      // Channels that come to be by this: the state is expanded again.
      if (expander.isOutdated) return;
      const images = nextOf(expander);
      if (this.#isStrict(own, images, renaming)) continue;
      orbits ??= this.#orbitsOf(own);
      if (orbits !== this.#orbitsOf(images)) this.#fail(own, images, renaming);
    }
    expander.ids.set(ids);
    expander.expand();
    this.#misses = expander.steps.misses;
  }

  #isLoose(expander: Expander): boolean {
    if (this.#loose.size === 0) return false;
    for (let step = 0; step < expander.count; step++) {
      if (this.#loose.has(localOf(expander, step))) return true;
    }
    return false;
  }

  /** Whether two wires without latency are busy. */
  #isCrowded(ids: Int32Array): boolean {
    const { channels } = this.#model;
    if (channels.length !== this.#slots) {
      this.#slots = channels.length;
      this.#wires = channels.flatMap((one, slot) => (one?.immediate === true ? [slot] : []));
    }
    let busy = 0;
    for (const slot of this.#wires) if (ids[slot] !== 0) busy++;
    return busy > 1;
  }

  /** Whether the steps of a state, renamed, are those of its image. Notes those that are not. */
  #isStrict(own: readonly Next[], images: readonly Next[], renaming: StateRenaming): boolean {
    const wanted = own.map((next) => [keyOf(this.#renamed(next, renaming)), next.local] as const);
    const found = images.map((next) => [keyOf(next), next.local] as const);
    const [isWanted, isFound] = [wanted, found].map((all) => new Set(all.map(([key]) => key)));
    const alone = [
      ...wanted.filter(([key]) => !isFound!.has(key)),
      ...found.filter(([key]) => !isWanted!.has(key)),
    ];
    for (const [, local] of alone) this.#loose.add(local);
    return alone.length === 0;
  }

  #renamed(next: Next, renaming: StateRenaming): Next {
    const { components } = this.#model;
    const ids = new Int32Array(next.ids.length);
    renaming.apply(next.ids, ids);
    const slot = renaming.image[itemAt(components, next.component).slot];
    return {
      ...next,
      component: components.findIndex((one) => one.slot === slot),
      channel: next.channel === BY_ITSELF ? BY_ITSELF : wordAt(renaming.image, next.channel),
      ids,
    };
  }

  /** The orbits that steps lead to, and what they break: as text that is equal for the same. */
  #orbitsOf(steps: readonly Next[]): string {
    const orbits = steps.map(({ ids, broken }) => {
      const least = ids.slice();
      this.#symmetry.canonicalize(least);
      return `${broken}: ${least.join(" ")}`;
    });
    return [...new Set(orbits)].sort().join("\n");
  }

  #fail(own: readonly Next[], images: readonly Next[], renaming: StateRenaming): never {
    const wrong = own.find((next) => {
      const key = keyOf(this.#renamed(next, renaming));
      return images.every((image) => keyOf(image) !== key);
    });
    const { components, name } = this.#model;
    const who =
      wrong === undefined ? "a step" : `a step of ${itemAt(components, wrong.component).name}`;
    throw new UserError(
      `model ${name} is not symmetric here: ${who} differs after ${renaming.renaming.what}; search without --symmetry`,
    );
  }
}

function keyOf({ component, channel, broken, ids }: Next): string {
  return `${component} ${channel} ${broken} ${ids.join(" ")}`;
}

function nextOf(expander: Expander): Next[] {
  const { component, channel } = expander.transitions;
  return Array.from({ length: expander.count }, (_, step) => {
    const transition = wordAt(expander.step, step);
    const ids = expander.ids.slice();
    expander.apply(step, ids);
    return {
      local: localOf(expander, step),
      component: wordAt(component, transition),
      channel: wordAt(channel, transition),
      broken: expander.brokenBits(step),
      ids,
    };
  });
}

function localOf({ step, transitions }: Expander, at: number): number {
  const transition = wordAt(step, at);
  const outcome = wordAt(transitions.outcome, transition);
  return isWithoutStep(outcome) ? -1 - wordAt(transitions.component, transition) : outcome;
}
