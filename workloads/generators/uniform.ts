/** Each access goes to any page, all equally likely: no locality at all. */
import { z } from "zod";
import { oddsOf } from "../random.ts";
import { commonFields, fractionField, Generator, pagesField } from "./generator.ts";

export const uniformSchema = z
  .strictObject({
    kind: z.literal("uniform"),
    pages: pagesField.describe("size of the space in 4 KiB pages"),
    writeFraction: fractionField
      .default(0)
      .describe("probability, 0 to 1, that an access writes; else it reads"),
    ...commonFields,
  })
  .describe("pages chosen at random, all equally likely");

export type UniformConfig = z.infer<typeof uniformSchema>;

export class Uniform extends Generator {
  private readonly writeOdds: number;

  constructor(name: string, config: UniformConfig, seed: number) {
    super(name, config.pages, config, seed);
    this.writeOdds = oddsOf(config.writeFraction);
  }

  protected override generate(block: Int32Array, count: number): void {
    const { random, pages, writeOdds } = this;
    for (let i = 0; i < count; i++) {
      const page = random.below(pages);
      block[i] = (page << 2) | random.bit(writeOdds);
    }
  }
}
