/**
 * Programs like PARSEC's twelve: a large working set that is swept or used at random, a small one that
 * takes most accesses, and the program's own share of writes (parsecPrograms.ts has the numbers, and
 * says where each is from). From the region of interest on: initialisation is left out.
 */

import { z } from "zod";
import { AccessKind } from "../../src/hardware/accessLoop.ts";
import { namesOf, numbers } from "../../src/lookup.ts";
import { oddsOf } from "../random.ts";
import { PARSEC_PROGRAMS, type ParsecProgram } from "./parsecPrograms.ts";
import { LINE_BYTES, PAGE_BYTES, Program, programFields } from "./program.ts";

const NAMES = namesOf(PARSEC_PROGRAMS);

/** An access stands for four lines: with its own 4 cycles 400, as in the other programs. */
const ACCESS_BYTES = 4 * LINE_BYTES;
const ACCESS_GAP = 396;

export const parsecSchema = z
  .strictObject({
    kind: z.literal("parsec"),
    program: z.enum(NAMES).describe("whose working sets, order and share of writes"),
    ...programFields,
    gap: z
      .int()
      .min(0)
      .max(1_000_000_000)
      .default(ACCESS_GAP)
      .describe("cycles of other work before each access, which stands for four cache lines moved"),
  })
  .describe("a program like one of PARSEC's");

export type ParsecConfig = z.infer<typeof parsecSchema>;

/** Pages of a size in MiB. */
const pagesOf = (mib: number): number => mib * 256;
/** Accesses to the small set for each to the large one. Assumed: three quarters of all. */
const HOT_SHARE = 3;
/** Of so many neighbouring pages the last ones are only read, as many as the program's share says. */
const INTERLEAVE = 10;

/** Places in `at`. */
const PAGE = 0;
const TURN = 1;
const VISIT = 2;

export class Parsec extends Program {
  protected override readonly at = numbers(3);
  private readonly program: ParsecProgram;
  private readonly largePages: number;
  private readonly hotPages: number;
  private readonly writeOdds: number;
  private readonly writable: number;

  constructor(name: string, config: ParsecConfig, seed: number) {
    const program = PARSEC_PROGRAMS[config.program];
    super(name, pagesOf(program.large), config, seed);
    this.program = program;
    this.largePages = pagesOf(program.large);
    // The small working set is a part of the large one, as in the report's curves.
    this.hotPages = pagesOf(program.hot);
    this.writeOdds = oddsOf(program.writes / (program.reads + program.writes));
    this.writable = INTERLEAVE - Math.round(INTERLEAVE * program.readOnly);
  }

  protected override step(): void {
    const { at, program, random } = this;
    if (at[TURN] === 1) {
      at[TURN] = 0;
      this.touch(random.below(this.hotPages), 0, at[VISIT] * HOT_SHARE);
      return;
    }
    at[TURN] = 1;
    if (program.order === "random") {
      at[VISIT] = 1;
      const objects = PAGE_BYTES / ACCESS_BYTES;
      this.touch(random.below(this.largePages), random.below(objects) * ACCESS_BYTES, at[VISIT]);
      return;
    }
    at[VISIT] = PAGE_BYTES / ACCESS_BYTES;
    this.touch(at[PAGE], 0, at[VISIT]);
    at[PAGE] = (at[PAGE] + 1) % this.largePages;
  }

  /** A visit reads or writes; pages that are only read lie between the others. */
  private touch(page: number, offset: number, accesses: number): void {
    const writes = this.random.bit(this.writeOdds) === 1 && page % INTERLEAVE < this.writable;
    const bytes = PAGE_BYTES - offset;
    const kind = writes ? AccessKind.write : AccessKind.read;
    this.use(page * PAGE_BYTES + offset, bytes, kind, bytes / accesses);
  }
}
