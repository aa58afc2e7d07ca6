/** The miss-ratio curve of an estimator's last look. It is no part of the machine: nothing in a run depends on it. */
import type { Part, WordArray } from "../../../hardware/part.ts";
import type { MissRatio } from "../../../hypervisor/wss/missRatios.ts";
import { numberAt } from "../../../lookup.ts";

export class MissRatioCurve implements Part {
  readonly name: string;
  /** Two words a point: pages, and the ratio. */
  readonly #points: Float64Array;
  readonly #count = new Float64Array(1);
  readonly statistics = ["points", "count"];

  /** @param most points, beside that of no memory */
  constructor(name: string, most: number) {
    this.name = name;
    this.#points = new Float64Array(2 * (most + 1));
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { points: this.#points, count: this.#count };
  }

  note(curve: readonly MissRatio[]): void {
    this.#points.fill(0);
    this.#points.set(curve.flatMap(({ pages, ratio }) => [pages, ratio]));
    this.#count[0] = curve.length;
  }

  get curve(): MissRatio[] {
    return Array.from({ length: numberAt(this.#count, 0) }, (_, i) => {
      return { pages: numberAt(this.#points, 2 * i), ratio: numberAt(this.#points, 2 * i + 1) };
    });
  }
}
