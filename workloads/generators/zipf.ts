/**
 * Zipf's law: the page of rank r is used in proportion to r^-exponent. Ranks are scattered over the
 * space, so that hot pages are not neighbours.
 */
import { z } from "zod";
import { Permutation } from "../permutation.ts";
import { deriveSeed, oddsOf } from "../random.ts";
import { ZipfSampler } from "../zipfSampler.ts";
import { commonFields, fractionField, Generator, pagesField } from "./generator.ts";

export const zipfSchema = z
  .strictObject({
    kind: z.literal("zipf"),
    pages: pagesField.describe("size of the space in 4 KiB pages"),
    exponent: z
      .number()
      .min(0)
      .max(10)
      .default(1)
      .describe("how unequal the pages are: 0 all equal, 1 classic, more is more unequal"),
    writeFraction: fractionField
      .default(0)
      .describe("probability, 0 to 1, that an access writes; else it reads"),
    ...commonFields,
  })
  .describe("few pages used often, many seldom: the page of rank r in proportion to r^-exponent");

export type ZipfConfig = z.infer<typeof zipfSchema>;

export class Zipf extends Generator {
  private readonly writeOdds: number;
  private readonly sampler: ZipfSampler;
  private readonly places: Permutation;

  constructor(name: string, config: ZipfConfig, seed: number) {
    super(name, config.pages, config, seed);
    this.writeOdds = oddsOf(config.writeFraction);
    this.sampler = new ZipfSampler(config.pages, config.exponent);
    this.places = new Permutation(config.pages, deriveSeed(seed, "places"));
  }

  /** The page of a rank, counted from 1. */
  pageOfRank(rank: number): number {
    return this.places.at(rank - 1);
  }

  protected override generate(block: Int32Array, count: number): void {
    const { random, writeOdds, sampler, places } = this;
    for (let i = 0; i < count; i++) {
      const page = places.at(sampler.draw(random) - 1);
      block[i] = (page << 2) | random.bit(writeOdds);
    }
  }
}
