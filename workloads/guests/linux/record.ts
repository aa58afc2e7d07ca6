/** Runs a booted machine once, and records it. */
import { UserError } from "../../../src/errors.ts";
import { TraceWriter } from "../../trace/writer.ts";
import { MachineRun } from "./machineRun.ts";
import type { LinuxOrder, LinuxRecording } from "./spec.ts";
import { firstState } from "./state.ts";

const TRACE_BYTES_MAX = 1 << 30;

/** From a booted state to the end of a command. @throws UserError if there is no end */
export async function record({
  boot,
  booted,
  run,
}: Extract<LinuxOrder, { what: "run" }>): Promise<LinuxRecording> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const sink = new TraceWriter(
    (piece) => {
      bytes += piece.length;
      if (bytes > TRACE_BYTES_MAX) throw new UserError("its trace grows beyond 1 GiB");
      pieces.push(Uint8Array.from(piece));
    },
    () => ({
      addresses: "machine",
      command: `linux ${run.command ?? ""}`.trim(),
      hasConsole: true,
    }),
  );
  // What a step has accessed is known at its end.
  const printed: number[] = [];
  const told = (): void => sink.print(Uint8Array.from(printed.splice(0)));
  const machine = new MachineRun(boot, run, firstState(booted), {
    sink,
    print: (byte) => void printed.push(byte),
    stepped() {
      told();
      return [];
    },
  });
  const { exitCode, instructions } = await machine.toEnd();
  told();
  sink.finish(0);
  const { accesses, flushes, physical } = machine.recorder.counts;
  const trace = Buffer.concat(pieces);
  return { trace, console: machine.console, exitCode, instructions, accesses, flushes, physical };
}
