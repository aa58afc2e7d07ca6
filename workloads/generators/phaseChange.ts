/** A working set that grows, moves and shrinks: a list of sets, each used for a number of accesses. */

import { z } from "zod";
import { LINEAR_PAGES_MAX } from "../../src/hardware/accessLoop.ts";
import { itemAt } from "../../src/lookup.ts";
import { oddsOf } from "../random.ts";
import {
  commonFields,
  countField,
  fractionField,
  Generator,
  pagesField,
  repeated,
  repeatField,
} from "./generator.ts";

const phaseSchema = z
  .strictObject({
    firstPage: z
      .int()
      .min(0)
      .max(LINEAR_PAGES_MAX - 1)
      .describe("first page of the working set"),
    pages: pagesField.describe("size of the working set in 4 KiB pages, used at random"),
    accesses: countField.describe("accesses before the next phase"),
    writeFraction: fractionField
      .default(0)
      .describe("probability, 0 to 1, that an access writes; else it reads"),
  })
  .refine((phase) => phase.firstPage + phase.pages <= LINEAR_PAGES_MAX, {
    path: ["pages"],
    message: `the last page must be below ${LINEAR_PAGES_MAX}`,
  });

export const phaseChangeSchema = z
  .strictObject({
    kind: z.literal("phaseChange"),
    phases: z.array(phaseSchema).min(1).describe("working sets, used one after the other"),
    rounds: repeatField.default(1).describe("times that the list is gone through"),
    ...commonFields,
  })
  .describe("a working set that changes in size, place and share of writes");

export type PhaseChangeConfig = z.infer<typeof phaseChangeSchema>;

export class PhaseChange extends Generator {
  private readonly phases: PhaseChangeConfig["phases"];
  /** Accesses of a round before each phase's end. */
  private readonly ends: readonly number[];

  constructor(name: string, config: PhaseChangeConfig, seed: number) {
    const ends: number[] = [];
    let round = 0;
    let pages = 0;
    for (const phase of config.phases) {
      round += phase.accesses;
      ends.push(round);
      pages = Math.max(pages, phase.firstPage + phase.pages);
    }
    super(name, pages, config, seed, repeated(config.rounds, round));
    this.phases = config.phases;
    this.ends = ends;
  }

  protected override generate(block: Int32Array, count: number, made: number): void {
    const { random, phases, ends } = this;
    let inRound = made % itemAt(ends, ends.length - 1);
    let index = ends.findIndex((end) => inRound < end);
    let done = 0;
    while (done < count) {
      const { firstPage, pages, writeFraction } = itemAt(phases, index);
      const writeOdds = oddsOf(writeFraction);
      const end = Math.min(count, done + itemAt(ends, index) - inRound);
      inRound += end - done;
      for (; done < end; done++) {
        const page = firstPage + random.below(pages);
        block[done] = (page << 2) | random.bit(writeOdds);
      }
      // Either the block is full, and this no longer matters, or the phase is over.
      index = (index + 1) % phases.length;
      if (index === 0) inRound = 0;
    }
  }
}
