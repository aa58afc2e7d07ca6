/** The machine of a guest goes on from bytes that have arrived somewhere: from these, and from nothing else. */
import type { GuestMachine } from "../../workloads/workload.ts";
import type { ArrivedBytes } from "../hypervisor/arrivedBytes.ts";
import type { VmState } from "./world.ts";

/** The bytes of a VM's pages where they are, and where they arrive. */
export interface MovedBytes {
  readonly machine: GuestMachine;
  readonly arrived: ArrivedBytes;
}

/** The machine whose bytes are known; null: the pages of this VM have versions alone. */
export function machineOf({ config }: Pick<VmState, "config">): GuestMachine | null {
  return config.workloads[0]?.machine ?? null;
}

/** Where a machine goes on. */
export interface MachineMove {
  /** The first page that is another one there, or -1. */
  readonly firstDifference: number;
  /** Of the processor and the devices. */
  readonly state: Uint8Array;
}

/** Of a guest that is suspended, and whose step is finished (finishStep.ts). */
export function moveMachine({ machine, arrived }: MovedBytes): MachineMove {
  const memory = arrived.memory();
  const state = machine.suspend();
  const read = (pages: readonly number[]): Uint8Array => machine.read(pages);
  const firstDifference = arrived.compare(memory, read, state.length);
  machine.resume(state, memory);
  return { firstDifference, state };
}
