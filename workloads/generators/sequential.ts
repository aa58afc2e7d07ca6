/** Passes over the pages in order, with several accesses to each page before the next one. */
import { z } from "zod";
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

export const sequentialSchema = z
  .strictObject({
    kind: z.literal("sequential"),
    pages: pagesField.describe("size of the space in 4 KiB pages"),
    accessesPerPage: countField
      .max(1_000_000_000)
      .default(1)
      .describe("accesses to a page before the next page"),
    writeFraction: fractionField
      .default(0)
      .describe("probability, 0 to 1, that an access writes; else it reads"),
    passes: repeatField.default("endless").describe("passes over the space"),
    ...commonFields,
  })
  .describe("all pages in order, several accesses to each");

export type SequentialConfig = z.infer<typeof sequentialSchema>;

export class Sequential extends Generator {
  private readonly accessesPerPage: number;
  private readonly writeFraction: number;

  constructor(name: string, config: SequentialConfig, seed: number) {
    const pass = config.pages * config.accessesPerPage;
    super(name, config.pages, config, seed, repeated(config.passes, pass));
    this.accessesPerPage = config.accessesPerPage;
    this.writeFraction = config.writeFraction;
  }

  protected override generate(block: Int32Array, count: number, made: number): void {
    const { random, pages, accessesPerPage, writeFraction } = this;
    const mixed = writeFraction > 0 && writeFraction < 1;
    const writeOdds = oddsOf(writeFraction);
    let kind = writeFraction === 1 ? 1 : 0;
    const onPage = made % accessesPerPage;
    let page = ((made - onPage) / accessesPerPage) % pages;
    let left = accessesPerPage - onPage;
    for (let i = 0; i < count; i++) {
      if (mixed) kind = random.bit(writeOdds);
      block[i] = (page << 2) | kind;
      if (--left === 0) {
        left = accessesPerPage;
        if (++page === pages) page = 0;
      }
    }
  }
}
