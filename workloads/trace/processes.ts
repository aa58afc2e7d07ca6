/**
 * Which process an access of a log belongs to. Each program has an address space of its own: another
 * process, and the same process after an exec.
 *
 * Accesses either carry their process, or stand between messages that do. Then an access is taken to be
 * of the process whose message came last, and when that has ended, of the one before: right where a
 * program waits for its children, and wrong where they run at once. So this is done only when asked.
 */
import { UserError } from "../../src/errors.ts";
import type { Accesses } from "./accesses.ts";

/** A process by its number, or all, each in its own address space; undefined: as many as can be told apart. */
export type ProcessChoice = number | "all" | undefined;

export interface ProgramSummary {
  /** Undefined if the log does not say. */
  readonly process: number | undefined;
  /** Its command; empty if unknown. Text from the log. */
  readonly command: string;
  readonly accesses: number;
}

interface Program {
  process: number | undefined;
  command: string;
  accesses: number;
  readonly space: number;
}

/** Address spaces at most: what a log says of more is kept by nobody. */
const PROGRAMS_MAX = 4096;

export class Processes {
  private readonly accesses: Accesses;
  private readonly choice: ProcessChoice;
  private readonly programs: Program[] = [];
  /** Those that have not ended, the one that was heard of last at the end. */
  private running: Program[] = [];
  private current: Program | undefined;
  /** Accesses counted when `current` became it. */
  private since = 0;
  private spaces = 0;
  /** Accesses without a process were seen. */
  private untold = false;

  constructor(accesses: Accesses, choice: ProcessChoice) {
    this.accesses = accesses;
    this.choice = choice;
    if (typeof choice === "number") accesses.enter(-1);
  }

  /** Programs whose accesses were taken. */
  get taken(): readonly ProgramSummary[] {
    this.count();
    return this.programs.filter(({ space }) => space >= 0);
  }

  /** The command of the first one that is taken; empty if unknown. */
  get command(): string {
    return this.programs.find(({ space }) => space >= 0)?.command ?? "";
  }

  /** An access follows that says whose it is. @param command if that is said, too */
  access(process: number, command = ""): void {
    if (this.current?.process !== process) this.switchTo(this.runningOf(process, command));
  }

  /**
   * An access follows that says of which thread it is, and not of which process.
   * @throws UserError if there are several threads, and none was chosen
   */
  threadAccess(thread: number, command: string): void {
    const other = this.current !== undefined && this.current.process !== thread;
    if (other && this.choice === undefined) {
      throw new UserError(
        `accesses of several threads that do not say of which process: ${this.current?.process}, ${thread}; ` +
          "print it too: perf script -F comm,pid,tid,time,event,addr; or choose one with --process",
      );
    }
    this.access(thread, command);
  }

  /** An access follows that does not say whose it is. The first of these behind a message has to be told. */
  untoldAccess(): void {
    this.untold = true;
    if (this.current === undefined) this.switchTo(this.begin(undefined, ""));
    this.refuseMixture();
  }

  /** A message of a process. */
  message(process: number): void {
    this.switchTo(this.runningOf(process));
  }

  /** A program begins, perhaps in place of another in its process. */
  starts(process: number, command: string): void {
    this.message(process);
    if (this.current?.command === "") {
      this.current.command = command;
      return;
    }
    const before = this.current;
    this.running = this.running.filter((one) => one !== before);
    this.switchTo(this.begin(process, command));
  }

  /** A process has ended: what does not say whose it is belongs to the one before. */
  ends(process: number): void {
    this.message(process);
    this.running = this.running.filter((one) => one.process !== process);
    const before = this.running.at(-1);
    if (before !== undefined) this.switchTo(before);
  }

  /** @throws UserError if the process that was chosen is not in the log */
  end(): void {
    this.count();
    this.refuseMixture();
    if (typeof this.choice === "number" && this.taken.length === 0) {
      throw new UserError(`no process ${this.choice}; ${this.listed()}`);
    }
  }

  private runningOf(process: number, command = ""): Program {
    const known = this.running.find((one) => one.process === process);
    if (known !== undefined) return known;
    // Accesses before the first message are those of who writes it.
    const [first] = this.running;
    if (first !== undefined && this.programs.length === 1 && first.process === undefined) {
      first.process = process;
      return first;
    }
    return this.begin(process, command);
  }

  private begin(process: number | undefined, command: string): Program {
    if (this.programs.length === PROGRAMS_MAX) {
      throw new UserError(`more than ${PROGRAMS_MAX} processes`);
    }
    const wanted = typeof this.choice !== "number" || this.choice === process;
    const program = { process, command, accesses: 0, space: wanted ? this.spaces++ : -1 };
    this.programs.push(program);
    this.running.push(program);
    return program;
  }

  private switchTo(program: Program): void {
    if (program === this.current) return;
    this.count();
    this.running = [...this.running.filter((one) => one !== program), program];
    this.current = program;
    this.accesses.enter(program.space);
  }

  /** Accesses since the last switch are the current program's. */
  private count(): void {
    const { count } = this.accesses;
    if (this.current !== undefined) this.current.accesses += count - this.since;
    this.since = count;
  }

  private refuseMixture(): void {
    if (!this.untold || this.choice !== undefined) return;
    if (new Set(this.programs.map(({ process }) => process)).size < 2) return;
    throw new UserError(
      `accesses of several processes that do not say whose they are: ${this.listed()}; ` +
        "choose one with --process PID, or take all with --process all",
    );
  }

  private listed(): string {
    const names = this.programs
      .slice(0, 8)
      .map(({ process, command }) =>
        [process ?? "unknown", command === "" ? "" : `(${command.slice(0, 60)})`].join(" ").trim(),
      );
    const more = this.programs.length > 8 ? " ..." : "";
    return `the log has ${names.join(", ") || "none"}${more}`;
  }
}
