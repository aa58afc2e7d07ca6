/** The thread of a machine: boots it, or runs it once, answers, and is ended. */
import { setFlagsFromString } from "node:v8";
import { answerOnce } from "../thread.ts";
import { boot, run } from "./machineRun.ts";
import type { LinuxOrder, LinuxReply } from "./spec.ts";

// Modules that are made while the guest runs are short-lived: for those with the tap the optimising compiler costs more
// than it gains (docs/guests.md).
setFlagsFromString("--liftoff-only");

await answerOnce<LinuxOrder, LinuxReply>(async (order) => {
  return order.what === "boot"
    ? { booted: await boot(order.boot) }
    : { recording: await run(order) };
});
