/** A small hot set takes most accesses; the rest of the space, the cold set, takes the others. */
import { z } from "zod";
import { Permutation } from "../permutation.ts";
import { deriveSeed, oddsOf } from "../random.ts";
import { commonFields, fractionField, Generator, pagesField } from "./generator.ts";

export const hotColdSchema = z
  .strictObject({
    kind: z.literal("hotCold"),
    pages: pagesField.describe("size of the space in 4 KiB pages"),
    hotPages: pagesField.describe("size of the hot set in 4 KiB pages; at most the whole space"),
    hotProbability: fractionField.describe("probability, 0 to 1, that an access is to the hot set"),
    writeFraction: fractionField
      .default(0)
      .describe("probability, 0 to 1, that an access writes; else it reads"),
    scatter: z
      .boolean()
      .default(false)
      .describe("true: hot pages spread over the space; false: they are its first pages"),
    ...commonFields,
  })
  .refine((config) => config.hotPages <= config.pages, {
    path: ["hotPages"],
    message: "the hot set cannot be larger than the space",
  })
  .describe("a hot set and a cold set, each with equally likely pages");

export type HotColdConfig = z.infer<typeof hotColdSchema>;

export class HotCold extends Generator {
  private readonly hotPages: number;
  private readonly hotProbability: number;
  private readonly writeOdds: number;
  private readonly places: Permutation | undefined;

  constructor(name: string, config: HotColdConfig, seed: number) {
    super(name, config.pages, config, seed);
    this.hotPages = config.hotPages;
    this.hotProbability = config.hotProbability;
    this.writeOdds = oddsOf(config.writeFraction);
    this.places = config.scatter
      ? new Permutation(config.pages, deriveSeed(seed, "places"))
      : undefined;
  }

  protected override generate(block: Int32Array, count: number): void {
    const { random, pages, hotPages, hotProbability, writeOdds, places } = this;
    const coldPages = pages - hotPages;
    for (let i = 0; i < count; i++) {
      const hot = random.chance(hotProbability) || coldPages === 0;
      let page = hot ? random.below(hotPages) : hotPages + random.below(coldPages);
      if (places !== undefined) page = places.at(page);
      block[i] = (page << 2) | random.bit(writeOdds);
    }
  }
}
