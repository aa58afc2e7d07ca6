/** The thread of a program: runs it once, answers, and is ended. */
import { recordRun } from "./run.ts";
import type { GuestReply, GuestSpec } from "./spec.ts";
import { answerOnce } from "./thread.ts";

await answerOnce<GuestSpec, GuestReply>(async (spec) => ({ recording: await recordRun(spec) }));
