/** The DMA engine of a device: which pages of its VM it writes next. */
import { type NormalForm, numberedNames, whilePagesStay } from "../hardware/normalForm.ts";
import type { Part, WordArray } from "../hardware/part.ts";
import { fieldOf, words } from "../lookup.ts";
import type { DevicePlan } from "./worldPlan.ts";

export class DmaEngine implements Part {
  readonly name: string;
  readonly plan: DevicePlan;
  /** Where the next request of a sequence goes: its number in the region. */
  readonly cursor = words(1);

  constructor(name: string, plan: DevicePlan) {
    this.name = name;
    this.plan = plan;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { cursor: this.cursor, random: this.plan.random.state };
  }

  /** The first page of the next request. Requests do not overlap in part. */
  next(): number {
    const { first, count, requestPages, order, random } = this.plan;
    const requests = Math.floor(count / requestPages);
    if (order === "random") return first + random.below(requests) * requestPages;
    const at = this.cursor[0];
    this.cursor[0] = (at + 1) % requests;
    return first + at * requestPages;
  }
}

/** Where a device goes on. */
export function engineForm(engine: DmaEngine, vm: number, device: number): NormalForm {
  const { cursor, plan } = engine;
  const of = `device ${device} of VM ${vm}`;
  return {
    extents: [
      { part: engine, array: "cursor", nameOf: () => `the next request of ${of}` },
      { part: engine, array: "random", nameOf: numberedNames("the random word", of) },
    ],
    lists: ["cursor", "random"],
    save: () => ({ cursor: Array.from(cursor), random: Array.from(plan.random.state) }),
    restore(lists) {
      cursor.set(fieldOf(lists, "cursor"));
      plan.random.state.set(fieldOf(lists, "random"));
    },
    scramble() {},
    renumber: (lists, to) => (plan.order === "random" ? lists : whilePagesStay(lists, to)),
  };
}
