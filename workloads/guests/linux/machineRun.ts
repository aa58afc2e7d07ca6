/** Boots a machine, or runs a booted one. Its thread is of no other use: clocks and chance are the guest's. */
import { UserError } from "../../../src/errors.ts";
import { freeze } from "../frozen.ts";
import type { WholeMachine } from "../live/guestThread.ts";
import { PAGE_BYTES } from "../tap/notes.ts";
import { ConsoleText } from "./consoleText.ts";
import { MachineRecorder } from "./machineRecorder.ts";
import type { MachineSink } from "./machineStream.ts";
import type { BootedState, BootSpec, LinuxRun, MachineState } from "./spec.ts";
import { Pc } from "./v86.ts";
import { VirtualClock } from "./virtualClock.ts";

/** A boot takes 2.6 G instructions, one with all self-tests 6.4 G. */
const BOOT_INSTRUCTIONS_MAX = 20e9;
const RUN_INSTRUCTIONS_MAX = 20e9;
/** Right at its prompt a shell loses what is typed. */
const STEPS_BEFORE_INPUT = 20;
const STEPS_AFTER_BOOT = 100;
/** A guest without an access for 10 s of its time has stopped for good: a running kernel has a timer. */
const STANDSTILL_TICKS = 1e9;

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

/** Where a machine's stream and its text go, and where what is typed comes from. */
export interface MachineSurroundings {
  readonly sink: MachineSink;
  readonly print?: (byte: number) => void;
  /** After a step, at this time. What it answers is typed. */
  readonly stepped?: (ticks: number) => readonly (readonly number[])[];
  /** The machine is in this state before what it does next. */
  readonly keep?: (state: MachineState) => void;
  /** After each step, when all that was noted of it has gone to the sink. */
  readonly whole?: (machine: WholeMachine<MachineState>) => void;
}

/** What a run of a machine has come to. */
export interface MachineEnd {
  /** Of the command; undefined if a limit ended it, or its processor has halted for good. */
  readonly exitCode: number | undefined;
  readonly instructions: number;
}

/**
 * A booted machine, run to the end of its command or to a limit.
 *
 * Every so many instructions it is saved, and goes on in a fresh machine that is restored from that state: what a machine
 * has translated is in no state, and one that goes on does not do the same as one that is restored (TSC, JIT). So what it
 * does from there on follows from the state alone, whether it is run for the first time or again.
 */
export class MachineRun {
  readonly recorder: MachineRecorder;
  readonly #boot: BootSpec;
  readonly #order: LinuxRun;
  readonly #around: MachineSurroundings;
  readonly #clock: VirtualClock;
  readonly #terminal: ConsoleText;
  /** The state that it was restored from last; without the machine's bytes, once it was. */
  #state: MachineState;
  #steps: number;
  /** Of the scenario's input, pieces that were typed. */
  #typed: number;
  /** The time at which its shell was ready for input. */
  #began: number;
  #lastAccess = { count: 0, ticks: 0 };

  /** @param from after its boot, or where it was later */
  constructor(boot: BootSpec, order: LinuxRun, from: MachineState, around: MachineSurroundings) {
    this.#boot = boot;
    this.#order = order;
    this.#around = around;
    this.#state = from;
    this.#steps = from.steps;
    this.#typed = from.typed;
    this.#began = from.began;
    this.#clock = new VirtualClock(from.ticks);
    this.#terminal = new ConsoleText(around.print, from.text);
    const { memoryBytes } = boot;
    this.recorder = new MachineRecorder(this.#clock, around.sink, memoryBytes, from.accesses);
  }

  /** What it has written to its console. */
  get console(): Uint8Array {
    return this.#terminal.bytes;
  }

  /** @throws UserError if there is no end */
  async toEnd(): Promise<MachineEnd> {
    freeze(this.#clock);
    let pc = await this.#begin();
    const start = this.#executed;
    for (;;) {
      this.#turn(pc);
      if (this.#isOver()) {
        return { exitCode: this.#exitCode(), instructions: this.#executed - start };
      }
      if (this.#executed - (this.#state.ticks - this.#state.idle) < this.#order.renewAfter)
        continue;
      this.#save(pc);
      pc = await this.#begin();
    }
  }

  get #executed(): number {
    return this.#clock.ticks() - this.#clock.idle;
  }

  /** A fresh machine in the state that was kept last. */
  async #begin(): Promise<Pc> {
    const { machine, memory, ticks, idle, chance } = this.#state;
    const clock = this.#clock;
    const tap = this.#order.tapped === false ? undefined : this.recorder;
    this.recorder.leave();
    clock.seed(1);
    const pc = await Pc.start(this.#boot, clock, (byte) => this.#terminal.write(byte), tap);
    pc.restore(machine, memory);
    clock.resume(ticks, idle);
    if (chance === null) {
      clock.seed(this.#order.seed);
      this.#terminal.clear();
    } else clock.chance.set(chance);
    this.recorder.begin(pc, chance !== null);
    this.#lastAccess = { count: this.recorder.accesses, ticks };
    this.#state = { ...this.#state, machine: new Uint8Array(0), memory: null };
    return pc;
  }

  #save(pc: Pc): void {
    this.#state = this.#stateWith(pc.save());
    this.#around.keep?.(this.#state);
  }

  #stateWith(machine: Uint8Array): MachineState {
    const clock = this.#clock;
    return {
      machine,
      memory: null,
      ticks: clock.ticks(),
      idle: clock.idle,
      chance: clock.chance.slice(),
      steps: this.#steps,
      typed: this.#typed,
      began: this.#began,
      text: this.#terminal.state,
      accesses: this.recorder.accesses,
    };
  }

  /** What is to be typed now is, and then it takes a step. */
  #turn(pc: Pc): void {
    const { command, input } = this.#order;
    const ticks = this.#clock.ticks();
    if (this.#steps === STEPS_BEFORE_INPUT) {
      this.#began = ticks;
      if (command !== undefined) pc.type(Buffer.from(`${command}\n`));
    }
    if (this.#steps >= STEPS_BEFORE_INPUT) {
      for (const { after, text } of input.slice(this.#typed)) {
        if (after > ticks - this.#began) break;
        pc.type(Buffer.from(text));
        this.#typed++;
      }
      for (const bytes of this.#around.stepped?.(ticks) ?? []) pc.type(Uint8Array.from(bytes));
    }
    this.#steps++;
    pc.step();
    this.recorder.take();
    const state = (): MachineState => this.#stateWith(pc.saveWithoutMemory());
    const page = (number: number): Uint8Array =>
      pc.memory.subarray(PAGE_BYTES * number, PAGE_BYTES * (number + 1));
    this.#around.whole?.({ page, state });
  }

  /** @throws UserError if it should have come to its end by now */
  #isOver(): boolean {
    const { command, input, instructions, accesses } = this.#order;
    if (this.#steps <= STEPS_BEFORE_INPUT) return false;
    if (this.#exitCode() !== undefined && this.#typed === input.length) return true;
    const made = this.recorder.accesses;
    if (accesses !== undefined && made >= accesses) return true;
    const ticks = this.#clock.ticks();
    if (made > this.#lastAccess.count) this.#lastAccess = { count: made, ticks };
    else if (ticks - this.#lastAccess.ticks > STANDSTILL_TICKS && tapped(this.#order)) return true;
    const passed = ticks - this.#began;
    if (instructions !== undefined) return passed >= instructions;
    if (passed < RUN_INSTRUCTIONS_MAX || (command === undefined && accesses === undefined)) {
      return false;
    }
    throw new UserError(`still runs after ${inWords(RUN_INSTRUCTIONS_MAX)}${said(this.#terminal)}`);
  }

  /** Of its command, once that has ended. @throws UserError if its kernel has given up */
  #exitCode(): number | undefined {
    const exitCode = this.#terminal.prompt();
    return this.#order.command === undefined ? undefined : exitCode;
  }
}

/** Without the tap nobody knows of accesses. */
function tapped({ tapped = true }: LinuxRun): boolean {
  return tapped;
}

function inWords(instructions: number): string {
  return `${(instructions / 1e9).toLocaleString("en-US")} G instructions`;
}

function said(terminal: ConsoleText): string {
  return terminal.lastLine === "" ? "" : `; the last that it said: ${terminal.lastLine}`;
}
