/** What the explorer decides in the middle of a step, when the step asks for it: each choice is a step of its own. */
import { Random } from "../../../workloads/random.ts";
import { ACCESS_PAGE_SHIFT, AccessKind } from "../../hardware/accessLoop.ts";
import { itemAt } from "../../lookup.ts";
import type { ChoosingWorkload } from "./choosingWorkload.ts";

export interface Chooser {
  /** The choices, in words. */
  readonly labels: readonly string[];
  /** From now on the answer is this one (brought into their range), and nothing has been asked. */
  choose(choice: number): void;
  /** Whether the step has asked since. */
  readonly asked: boolean;
}

/** The guests' next access. */
export class AccessChooser implements Chooser {
  readonly labels: readonly string[];
  readonly #workloads: readonly ChoosingWorkload[];
  readonly #accesses: readonly number[];

  constructor(workloads: readonly ChoosingWorkload[], reads: boolean, halts: boolean) {
    this.#workloads = workloads;
    const list: (readonly [string, number])[] = [];
    const pages = Math.max(...workloads.map((workload) => workload.pages));
    for (let page = 0; page < pages; page++) {
      const word = page << ACCESS_PAGE_SHIFT;
      list.push([`writes page ${page}`, word | AccessKind.write]);
      if (reads) list.push([`reads page ${page}`, word | AccessKind.read]);
    }
    if (halts) list.push(["halts", -1]);
    this.labels = list.map(([label]) => label);
    this.#accesses = list.map(([, access]) => access);
  }

  choose(choice: number): void {
    for (const workload of this.#workloads) {
      workload.next = itemAt(this.#accesses, choice % this.#accesses.length);
      workload.asked = false;
    }
  }

  get asked(): boolean {
    return this.#workloads.some((workload) => workload.asked);
  }
}

/** A generator whose numbers are chosen: all draws of a step are the same number, brought into their range. */
export class ChoosingRandom extends Random implements Chooser {
  readonly labels: readonly string[];
  asked = false;
  #choice = 0;

  /** @param most how many different draws are tried */
  constructor(most: number) {
    super(0);
    this.labels = Array.from({ length: most }, (_, draw) => `draws ${draw}`);
  }

  choose(choice: number): void {
    this.#choice = choice;
    this.asked = false;
  }

  override below(n: number): number {
    this.asked = true;
    return this.#choice % n;
  }

  override next(): number {
    throw new Error("a draw that the explorer does not choose");
  }
}
