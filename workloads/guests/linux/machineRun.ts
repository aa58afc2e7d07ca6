/** Boots a machine, or runs a booted one and records it. Its thread is of no other use: clocks and chance are the guest's. */
import { UserError } from "../../../src/errors.ts";
import { TraceWriter } from "../../trace/writer.ts";
import { freeze } from "../frozen.ts";
import { createRing } from "../tap/ring.ts";
import { ConsoleText } from "./consoleText.ts";
import { MachineStream } from "./machineStream.ts";
import type { BootedState, BootSpec, LinuxOrder, LinuxRecording, LinuxRun } from "./spec.ts";
import { Pc } from "./v86.ts";
import { VirtualClock } from "./virtualClock.ts";

const RECORD_WORDS = 3;
/** A boot takes 2.6 G instructions, one with all self-tests 6.4 G. */
const BOOT_INSTRUCTIONS_MAX = 20e9;
const RUN_INSTRUCTIONS_MAX = 20e9;
/** Right at its prompt a shell loses what is typed. */
const STEPS_BEFORE_INPUT = 20;
const STEPS_AFTER_BOOT = 100;
const TRACE_BYTES_MAX = 1 << 30;

/** Until it waits at its prompt. @throws UserError if it never does, or its kernel gives up */
export async function boot(spec: BootSpec): Promise<BootedState> {
  const clock = new VirtualClock();
  freeze(clock);
  const terminal = new ConsoleText();
  const pc = await Pc.start(spec, clock, (byte) => terminal.write(byte));
  while (terminal.prompt() === undefined) {
    if (clock.ticks() > BOOT_INSTRUCTIONS_MAX) {
      throw new UserError(
        `does not come to its prompt within ${inWords(BOOT_INSTRUCTIONS_MAX)}${said(terminal)}`,
      );
    }
    pc.step();
  }
  for (let i = 0; i < STEPS_AFTER_BOOT; i++) pc.step();
  return { state: pc.save(), ticks: clock.ticks(), console: terminal.bytes };
}

/** From a booted state to the end of a command. @throws UserError if there is no end */
export async function run({
  boot: spec,
  booted,
  run: order,
}: Extract<LinuxOrder, { what: "run" }>): Promise<LinuxRecording> {
  const clock = new VirtualClock(booted.ticks);
  freeze(clock);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const writer = new TraceWriter(
    (piece) => {
      bytes += piece.length;
      if (bytes > TRACE_BYTES_MAX) throw new UserError("its trace grows beyond 1 GiB");
      pieces.push(Uint8Array.from(piece));
    },
    () => ({ addresses: "machine", command: `linux ${order.command ?? ""}`.trim() }),
  );
  const recorder = new Recorder(clock, new MachineStream(writer, spec.memoryBytes));
  const terminal = new ConsoleText();
  const tap = order.tapped === false ? undefined : recorder;
  const pc = await Pc.start(spec, clock, (byte) => terminal.write(byte), tap);
  pc.restore(booted.state);
  clock.seed(order.seed);
  recorder.begin(pc);
  terminal.clear();
  const began = clock.ticks();
  const exitCode = runToEnd(pc, clock, terminal, recorder, order);
  writer.finish(0);
  const { accesses, flushes, physical } = recorder.stream.counts;
  const instructions = clock.ticks() - clock.idle - began;
  const trace = Buffer.concat(pieces);
  return { trace, console: terminal.bytes, exitCode, instructions, accesses, flushes, physical };
}

/** @returns the command's exit code, or undefined if a limit ended it */
function runToEnd(
  pc: Pc,
  clock: VirtualClock,
  terminal: ConsoleText,
  recorder: Recorder,
  { command, input, instructions, accesses }: LinuxRun,
): number | undefined {
  for (let step = 0; step < STEPS_BEFORE_INPUT; step++) {
    pc.step();
    recorder.take();
  }
  const began = clock.ticks();
  const most = instructions ?? RUN_INSTRUCTIONS_MAX;
  let typed = 0;
  if (command !== undefined) pc.type(Buffer.from(`${command}\n`));
  for (;;) {
    const passed = clock.ticks() - began;
    while (typed < input.length && input[typed]!.after <= passed) {
      pc.type(Buffer.from(input[typed]!.text));
      typed++;
    }
    pc.step();
    recorder.take();
    const exitCode = terminal.prompt();
    const isOver = command !== undefined && exitCode !== undefined;
    if (isOver && typed === input.length) return exitCode;
    if (accesses !== undefined && recorder.stream.counts.accesses >= accesses) return undefined;
    if (passed < most) continue;
    if (instructions !== undefined) return undefined;
    throw new UserError(`still runs after ${inWords(most)}${said(terminal)}`);
  }
}

/** The tap of a machine, with its ring; of what is noted before begin() nothing is kept. */
class Recorder {
  readonly stream: MachineStream;
  readonly put: (linear: number, key: number, count: number) => void;
  readonly #clock: VirtualClock;
  readonly #ring: ReturnType<typeof createRing>;
  #pc: Pc | undefined;

  constructor(clock: VirtualClock, stream: MachineStream) {
    this.stream = stream;
    this.#clock = clock;
    this.#ring = createRing(RECORD_WORDS, {
      full: (words) => {
        if (this.#pc !== undefined) {
          stream.take(this.#ring.words, words);
          if (stream.isFull) this.#time();
        }
        return 0;
      },
    });
    this.put = this.#ring.put;
  }

  /** A restored machine has touched all of its pages: what follows is the guest's. */
  begin(pc: Pc): void {
    pc.flush();
    this.#ring.take();
    const { idle } = this.#clock;
    this.stream.begin(pc.ramFirst, pc.cr3, this.#clock.ticks() - idle, idle);
    this.#pc = pc;
  }

  deviceWrote(address: number, bytes: number): void {
    if (this.#pc === undefined) return;
    this.#drain();
    this.stream.deviceWrote(address, bytes);
  }

  /** All that has been noted, and the time. */
  take(): void {
    this.#drain();
    this.#time();
  }

  #drain(): void {
    this.#pc?.flush();
    this.stream.take(this.#ring.words, this.#ring.take());
  }

  #time(): void {
    const { idle } = this.#clock;
    this.stream.time(this.#clock.ticks() - idle, idle);
  }
}

function inWords(instructions: number): string {
  return `${(instructions / 1e9).toLocaleString("en-US")} G instructions`;
}

function said(terminal: ConsoleText): string {
  return terminal.lastLine === "" ? "" : `; the last that it said: ${terminal.lastLine}`;
}
