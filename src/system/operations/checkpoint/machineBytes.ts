/**
 * The bytes of a guest whose machine runs beside, as its checkpoints have them: what a checkpoint takes is the bytes of its
 * pages, and with those of the checkpoints before the guest then goes on, in a fresh machine. So a page that checkpoints
 * leave out is another one from there on, here as after a restore, and the two hashes differ.
 */
import { createHash } from "node:crypto";
import type { GuestMachine } from "../../../../workloads/workload.ts";
import { UserError } from "../../../errors.ts";
import type { Part, WordArray } from "../../../hardware/part.ts";
import { ArrivedBytes, type BytesResult } from "../../../hypervisor/arrivedBytes.ts";
import { numberAt } from "../../../lookup.ts";
import { moveMachine } from "../../machineMove.ts";
import { PAGE_BYTES } from "./format.ts";
import type { GuestContents, StoredGuest } from "./machineBlocks.ts";

/** States of machines that are kept: of the checkpoint under way, and for whoever goes back to one before. */
const STATES_MAX = 4;
/** Of the first checkpoint whose bytes were not the guest's: its number, and the first such page; both plus 1, 0: there is none. */
const Differs = { number: 0, page: 1 } as const;

/** What is wrong with the bytes of checkpoints. */
export interface WrongBytes {
  readonly number: number;
  readonly page: number;
}

export class MachineBytes implements Part {
  readonly name: string;
  readonly statistics = ["differs"];
  readonly #machine: GuestMachine;
  readonly #arrived: ArrivedBytes;
  /** As it was before the checkpoint under way. */
  readonly #before: Int32Array;
  readonly #differs = new Float64Array(Object.keys(Differs).length);
  /** A number that follows from the machine's state at the checkpoint under way; and such states by theirs. */
  readonly #taken = new Float64Array(1);
  readonly #states = new Map<number, Uint8Array>();

  constructor(vm: string, pages: number, machine: GuestMachine) {
    this.name = `checkpoint/machine of ${vm}`;
    this.#machine = machine;
    this.#arrived = new ArrivedBytes(`checkpoint/bytes of ${vm}`, pages);
    this.#before = this.#arrived.arrivals;
  }

  arrays(): Readonly<Record<string, WordArray>> {
    return { before: this.#before, taken: this.#taken, differs: this.#differs };
  }

  get parts(): readonly Part[] {
    return [this, this.#arrived];
  }

  get result(): BytesResult {
    return this.#arrived.result;
  }

  /** Null: each checkpoint had the guest's bytes. */
  get wrong(): WrongBytes | null {
    const number = numberAt(this.#differs, Differs.number) - 1;
    return number < 0 ? null : { number, page: numberAt(this.#differs, Differs.page) - 1 };
  }

  /** What is to be written. */
  get contents(): GuestContents {
    const state = this.#states.get(numberAt(this.#taken, 0));
    // A saved state has digests alone.
    if (state === undefined) throw new UserError(`${this.name}: was taken in another run`);
    return { state, page: (page) => this.#arrived.page(page) };
  }

  /**
   * A checkpoint takes pages of the guest, which stands still and has finished its step; and the guest goes on from it.
   * @param pages those of such a guest are all of data
   */
  take(checkpoint: number, pages: readonly number[]): void {
    const [machine, arrived] = [this.#machine, this.#arrived];
    this.#before.set(arrived.arrivals);
    arrived.arrive(pages, machine.read(pages));
    const { firstDifference, state } = moveMachine({ machine, arrived });
    this.#keep(state);
    if (firstDifference >= 0 && this.wrong === null) {
      this.#differs.set([checkpoint + 1, firstDifference + 1]);
    }
  }

  /** The checkpoint under way is not on the storage. */
  forget(): void {
    this.#arrived.replace(this.#before);
  }

  /** What a file has. @returns whether it is what the guest's own state says that it goes on from */
  adopt({ memory, state }: StoredGuest): boolean {
    const pages = memory.length / PAGE_BYTES;
    this.#arrived.arrive(
      Array.from({ length: pages }, (_, page) => page),
      memory,
    );
    this.#before.set(this.#arrived.arrivals);
    this.#keep(state);
    return this.#machine.adopt(state, memory);
  }

  #keep(state: Uint8Array): void {
    const number = createHash("sha256").update(state).digest().readUIntBE(0, 6);
    this.#taken[0] = number;
    this.#states.delete(number);
    this.#states.set(number, state);
    for (const oldest of this.#states.keys()) {
      if (this.#states.size <= STATES_MAX) break;
      this.#states.delete(oldest);
    }
  }
}
