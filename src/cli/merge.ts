/** `trackvisor merge`: the shares of a sweep, done on several machines, put together. */
import { Command } from "commander";
import { readText } from "../io/inputFile.ts";
import { parseResult } from "../questions/sweep/readResult.ts";
import { mergeResults } from "../questions/sweep/share.ts";
import { deliver, refuseOutputs, type SweepOutput, withOutputs } from "./sweepOutput.ts";

const FILE_BYTES_MAX = 256 << 20;

/** The command. Exit codes: 0 fine, 1 a run failed (docs/verdict.md), 2 bad input. */
export function mergeCommand(): Command {
  const command = new Command("merge")
    .description("put the shares of a sweep together (see: trackvisor sweep --shard)")
    .argument("<file...>", "results of trackvisor sweep --shard i/n -o FILE, all of them");
  return withOutputs(command).action(async (files: readonly string[], options: SweepOutput) => {
    refuseOutputs(options);
    const read = files.map((file) => parseResult(file, readText(file, FILE_BYTES_MAX)));
    await deliver(mergeResults(read), options);
  });
}
