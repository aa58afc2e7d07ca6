/** The thread of a live program. Its pages are numbered as a trace of it numbers them: by their first use. */
import { live } from "./live/guestThread.ts";
import { LiveProgram } from "./liveProgram.ts";
import type { LiveProgramOrder, ProgramState } from "./spec.ts";

await live<LiveProgramOrder, ProgramState>(async ({ order, writer, stepOver }) => {
  const { spec, from, showsBytes } = order;
  const program = new LiveProgram(writer, showsBytes ? stepOver : undefined, from);
  return { exitCode: await program.toEnd(spec) };
});
