/** What pieces of memory are called: with these a device says which of them a request works on. */
import type { World } from "./world.ts";

/** A CPU's TLB, and what it has loaded. */
export function cpuMemory(pcpu: number): string {
  return `pcpu${pcpu}/tlb`;
}

/** A vCPU's VMCS, its logs, and the access it is at. */
export function vcpuMemory(vcpu: number): string {
  return `vcpu${vcpu}/vmcs`;
}

/** paging: its EPT; truth: what its guest did, and the contents of its pages; tracked, rings: what its tracker knows. */
export type VmPiece = "paging" | "truth" | "tracked" | "rings";

export function vmMemory(vm: number, piece: VmPiece): string {
  return `vm${vm}/${piece}`;
}

export function vmMemories(vm: number, ...pieces: readonly VmPiece[]): string[] {
  return pieces.map((piece) => vmMemory(vm, piece));
}

/** Where a device of a VM goes on. */
export function deviceMemory(vm: number, device: number): string {
  return `vm${vm}/device${device}/dma`;
}

/** Of the operation's own devices. */
export const OPERATION_MEMORY = "operation";

/** All that a toolstack may work on. */
export function toolstackMemory({ vms, vcpus }: World): string[] {
  return [
    OPERATION_MEMORY,
    ...vms.flatMap((_, vm) => vmMemories(vm, "paging", "truth", "tracked", "rings")),
    ...vcpus.map((_, vcpu) => vcpuMemory(vcpu)),
  ];
}
