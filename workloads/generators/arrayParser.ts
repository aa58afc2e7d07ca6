/**
 * The array parser of the page-tracking papers: passes over an array from its first page to its
 * last, writing one word or reading one word of each page. Their program frees the array and allocates it
 * anew for each pass (VEE 2021, listing 1): which pages it then has is the guest's kernel's business.
 */
import { z } from "zod";
import { oddsOf } from "../random.ts";
import { commonFields, Generator, pagesField, repeated, repeatField } from "./generator.ts";

export const arrayParserSchema = z
  .strictObject({
    kind: z.literal("arrayParser"),
    pages: pagesField.describe("size of the array in 4 KiB pages (51200 is 200 MiB)"),
    writeIntensity: z
      .number()
      .min(0)
      .max(100)
      .describe("percent of the accesses that write, chosen at random; the others read"),
    passes: repeatField.default("endless").describe("passes over the array"),
    reallocates: z
      .boolean()
      .optional()
      .describe("frees the array after each pass and allocates it anew; needs the VM's `kernel`"),
    ...commonFields,
  })
  .describe("sequential passes over an array, with a given share of writes");

export type ArrayParserConfig = z.infer<typeof arrayParserSchema>;

export class ArrayParser extends Generator {
  private readonly writeOdds: number;
  private readonly reallocates: boolean;
  freed = false;

  constructor(name: string, config: ArrayParserConfig, seed: number) {
    super(name, config.pages, config, seed, repeated(config.passes, config.pages));
    this.writeOdds = oddsOf(config.writeIntensity / 100);
    this.reallocates = config.reallocates === true;
  }

  override fill(block: Int32Array): number {
    if (!this.reallocates) return super.fill(block);
    // What is freed is freed between two blocks.
    const at = this.accessesMade % this.pages;
    this.freed = at === 0 && this.accessesMade > 0;
    return super.fill(block.subarray(0, this.pages - at));
  }

  protected override generate(block: Int32Array, count: number, made: number): void {
    const { random, pages, writeOdds } = this;
    let page = made % pages;
    for (let i = 0; i < count; i++) {
      block[i] = (page << 2) | random.bit(writeOdds);
      if (++page === pages) page = 0;
    }
  }
}
