/** Message logs from a program: what was said in a recorded run, and whether it is still said. */
import { isOfCheck, systemOfLog } from "../check/systemOfLog.ts";
import { UserError } from "../errors.ts";
import { type ByteSource, openSource } from "../io/byteSource.ts";
import { Player } from "../replay/player.ts";
import { damageNote, LogReader } from "../replay/reader.ts";
import { changedMachines } from "../replay/rebuild.ts";
import { ProgressWatch } from "../system/verdict/progressWatch.ts";
import { standstillOf } from "../system/verdict/standstill.ts";
import { brokenPromises } from "../system/verdict/verdict.ts";
import { takeTurns } from "./takeTurns.ts";

/** Messages between two moments at which the rest of the program has its turn. */
const SLICE_MESSAGES = 4096;

/** A message as it was delivered. */
export interface LoggedMessage {
  /** Its number among the delivered ones, from 0. */
  readonly position: number;
  /** Virtual time of delivery, in cycles. */
  readonly time: number;
  /** Names of actors, such as "vcpu0/pml"; sender "" for what comes from outside. */
  readonly from: string;
  readonly to: string;
  /** The message: its type and its fields, as src/interconnect/messages.ts lists them. */
  readonly message: Readonly<Record<string, unknown>> & { readonly type: string };
}

/** The first difference between a log and the run of today. */
export interface Difference {
  /** What differs: the message, the receiver's state behind it, memory at a checkpoint, or the end. */
  readonly kind: "message" | "state" | "checkpoint" | "ended" | "continues" | "intervention";
  /** Messages that agree before it. */
  readonly position: number;
  /** Fields of the message that differ. */
  readonly fields: readonly {
    readonly field: string;
    readonly recorded: unknown;
    readonly actual: unknown;
  }[];
  /** Memory and actors that differ at a checkpoint; what cannot be done. */
  readonly detail: readonly string[];
}

export interface ReplaySettings {
  /** Where relative names of trace files start, if not where the log says. */
  readonly directory?: string;
  /** Ends it early: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface Replayed {
  /** Messages that agree. */
  readonly messages: number;
  /** Virtual time reached, in cycles. */
  readonly time: number;
  /** Null: every message, every state and all memory agree. */
  readonly difference: Difference | null;
  /** Machines that were edited since the recording: their states are not compared. */
  readonly changedMachines: readonly string[];
  /** What the run itself did wrong, a sentence each, if all of it was replayed. */
  readonly failures: readonly string[];
  /** A sentence about a log that is torn or damaged; null if it is whole. */
  readonly damage: string | null;
}

/**
 * Opens a message log (`runScenario` with `record`, `trackvisor run --record`). Close it.
 * @throws UserError if the file cannot be read, is no log, or is one of another version
 */
export function openLog(file: string): MessageLog {
  return new MessageLog(file);
}

/** A recorded run. Made by `openLog`. */
export class MessageLog {
  readonly file: string;
  /** Version of the program that recorded it. */
  readonly program: string;
  /** What was run: the fields of a scenario, with all defaults; of a counterexample, the model. */
  readonly scenario: unknown;
  /** Whether it is the counterexample of a model, and not the run of a scenario. */
  readonly isCounterexample: boolean;
  /** Names of the actors. */
  readonly actors: readonly string[];
  readonly #source: ByteSource;

  /** @throws UserError as `openLog` */
  constructor(file: string) {
    this.file = file;
    this.#source = openSource(file);
    try {
      const { header } = new LogReader(this.#source);
      this.program = header.program;
      this.scenario = header.scenario;
      this.isCounterexample = isOfCheck(header);
      this.actors = header.actors.map(({ name }) => name);
    } catch (error) {
      this.#source.close();
      throw error;
    }
  }

  /**
   * Its messages, in order. Those before any damage are given first.
   * @throws UserError at the damage of a torn or damaged log, where it is met
   */
  *messages(): Generator<LoggedMessage, void, undefined> {
    const log = new LogReader(this.#source);
    const nameOf = (id: number): string => this.actors[id - 1] ?? "";
    for (let entry = log.next(); entry !== undefined; entry = log.next()) {
      if (entry.kind !== "message") continue;
      const { position, delivery } = entry;
      const { time, from, to, message } = delivery;
      yield { position, time, from: nameOf(from), to: nameOf(to), message: { ...message } };
    }
    const damage = damageNote(log);
    if (damage !== undefined) throw new UserError(damage);
  }

  /**
   * Builds the recorded system anew, runs it, and compares each message and each state with the log.
   * @throws UserError if this program cannot run what was recorded
   */
  async replay({ directory, signal }: ReplaySettings = {}): Promise<Replayed> {
    const log = new LogReader(this.#source);
    const system = systemOfLog(this.file, log.header, directory);
    const changed = changedMachines(log.header, system);
    const player = new Player(log, system, { except: changed });
    const watch = new ProgressWatch(system);
    let result = player.step();
    for (let played = 1; result === true; played++) {
      watch.note();
      if (played % SLICE_MESSAGES === 0) {
        signal?.throwIfAborted();
        await takeTurns();
      }
      result = player.step();
    }
    player.close();
    const difference = result === false ? null : result;
    const verdict = () => brokenPromises(system, watch.standstill ?? standstillOf(system));
    const broken = difference === null ? system.examine(verdict) : [];
    return {
      messages: player.position,
      time: system.interconnect.now,
      difference: difference === null ? null : shortened(difference),
      changedMachines: changed,
      failures: broken.map(({ what }) => what),
      damage: damageNote(log) ?? null,
    };
  }

  /** Lets the file go. */
  close(): void {
    this.#source.close();
  }
}

function shortened({ kind, position, fields, detail }: Difference): Difference {
  return { kind, position, fields, detail };
}
