/** The pages that a hypervisor writes for the vCPUs of a VM. */
import { itemAt, present } from "../lookup.ts";
import type { VmState } from "./world.ts";

export interface PvPages {
  /** By the vCPU's number in the system. */
  readonly pages: (vcpu: number) => readonly number[];
  readonly latencyCycles: number;
}

/** @throws if the VM has none */
export function pvOf({ config, vcpus }: VmState): PvPages {
  const { pages, latencyCycles } = present(config.pv, `the paravirtual pages of ${config.name}`);
  return { pages: (vcpu) => itemAt(pages, vcpus.indexOf(vcpu)), latencyCycles };
}
