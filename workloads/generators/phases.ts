/**
 * Passes over an array in the three orders of the page-tracking papers. RWRW: each entry is read,
 * then written. RRWW: passes that read, then passes that write. WWRR: the reverse.
 */
import { z } from "zod";
import {
  commonFields,
  countField,
  Generator,
  pagesField,
  repeated,
  repeatField,
} from "./generator.ts";

export const phasesSchema = z
  .strictObject({
    kind: z.literal("phases"),
    pages: pagesField.describe("size of the array in 4 KiB pages (102400 is 400 MiB)"),
    mode: z
      .enum(["RWRW", "RRWW", "WWRR"])
      .describe(
        "RWRW: reads, then writes each entry; RRWW: a phase of reads, then one of writes; WWRR: the reverse",
      ),
    readPasses: countField
      .default(1)
      .describe("length of a read phase in passes over the array; RWRW has no phases"),
    writePasses: countField
      .default(1)
      .describe("length of a write phase in passes over the array; RWRW has no phases"),
    rounds: repeatField
      .default("endless")
      .describe("times that both phases are done; for RWRW, passes over the array"),
    ...commonFields,
  })
  .describe("reads and writes of an array, alternating by entry or by phase");

export type PhasesConfig = z.infer<typeof phasesSchema>;

export class Phases extends Generator {
  private readonly mode: PhasesConfig["mode"];
  /** Accesses of the first phase, and of a whole round. */
  private readonly firstPhase: number;
  private readonly round: number;

  constructor(name: string, config: PhasesConfig, seed: number) {
    const { mode, pages, readPasses, writePasses } = config;
    const round = pages * (mode === "RWRW" ? 2 : readPasses + writePasses);
    super(name, pages, config, seed, repeated(config.rounds, round));
    this.mode = mode;
    this.firstPhase = pages * (mode === "WWRR" ? writePasses : readPasses);
    this.round = round;
  }

  protected override generate(block: Int32Array, count: number, made: number): void {
    if (this.mode === "RWRW") this.alternate(block, count, made);
    else this.alternatePhases(block, count, made);
  }

  private alternate(block: Int32Array, count: number, made: number): void {
    const end = this.pages * 2;
    let step = made % end;
    for (let i = 0; i < count; i++) {
      block[i] = ((step >>> 1) << 2) | (step & 1);
      if (++step === end) step = 0;
    }
  }

  private alternatePhases(block: Int32Array, count: number, made: number): void {
    const { pages, firstPhase, round } = this;
    const firstKind = this.mode === "WWRR" ? 1 : 0;
    let inRound = made % round;
    let done = 0;
    while (done < count) {
      const inFirst = inRound < firstPhase;
      const kind = inFirst ? firstKind : 1 - firstKind;
      const phaseEnd = inFirst ? firstPhase : round;
      const end = Math.min(count, done + phaseEnd - inRound);
      let page = inRound % pages;
      inRound += end - done;
      if (inRound === round) inRound = 0;
      for (; done < end; done++) {
        block[done] = (page << 2) | kind;
        if (++page === pages) page = 0;
      }
    }
  }
}
