/** The thread of a machine: boots it, or runs it once, answers, and is ended. */
import { answerOnce } from "../thread.ts";
import { boot } from "./machineRun.ts";
import { record } from "./record.ts";
import type { LinuxOrder, LinuxReply } from "./spec.ts";
import { takeFirstCompiler } from "./v86.ts";

takeFirstCompiler();

await answerOnce<LinuxOrder, LinuxReply>(async (order) => {
  return order.what === "boot"
    ? { booted: await boot(order.boot) }
    : { recording: await record(order) };
});
