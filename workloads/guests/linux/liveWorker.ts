/** The thread of a live machine. */
import { live } from "../live/guestThread.ts";
import { MachineRun } from "./machineRun.ts";
import type { LiveLinuxOrder, MachineState } from "./spec.ts";
import { takeFirstCompiler } from "./v86.ts";

/** A block is of so many instructions at most: 10 ms of the guest's time, in which it may idle. */
const BLOCK_TICKS = 1e6;

takeFirstCompiler();

await live<LiveLinuxOrder, MachineState>(async ({ order, writer, keep, stepOver }) => {
  const { boot, from, run } = order;
  let began = { block: writer.index, ticks: from.ticks };
  const machine = new MachineRun(boot, run, from, {
    sink: writer,
    print: (byte) => writer.print(byte),
    stepped(ticks) {
      if (writer.index !== began.block) began = { block: writer.index, ticks };
      else if (ticks - began.ticks >= BLOCK_TICKS) {
        writer.close();
        began = { block: writer.index, ticks };
      }
      return writer.typed();
    },
    keep(state) {
      writer.close();
      began = { block: writer.index, ticks: state.ticks };
      keep(state);
    },
    ...(run.showsBytes === true ? { whole: stepOver } : {}),
  });
  const { exitCode } = await machine.toEnd();
  return { exitCode };
});
