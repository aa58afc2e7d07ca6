/** The VMs of a scenario, planned: their guests are made, or read, and their sizes follow from them. */
import { type KernelConfig, withKernel } from "../../../workloads/kernel/demandPaging.ts";
import type { Workload } from "../../../workloads/workload.ts";
import { createWorkload, isRunToBeKnown } from "../../../workloads/workloadKinds.ts";
import { type Problems, UserError } from "../../errors.ts";
import { LINEAR_PAGES_MAX } from "../../hardware/accessLoop.ts";
import type { Scenario } from "../scenarioSchema.ts";
import type { VmPlan } from "../worldPlan.ts";
import { devicePlans } from "./devices.ts";
import { hypervisorWrites } from "./hypervisorWrites.ts";
import { slotsEnd, slotsPlan } from "./slotPlans.ts";

type Vm = Scenario["vms"][number];

const LEAF_LEVELS = { "4K": 1, "2M": 2, "1G": 3 } as const;
/** PAE maps four times 1 GiB. */
const PAE_PAGES = 1 << 20;

export function vmName({ name }: Vm, number: number): string {
  return name ?? `vm${number}`;
}

export function checkNames({ vms }: Scenario, problems: Problems): void {
  const names = vms.map(vmName);
  names.forEach((name, number) => {
    if (names.indexOf(name) === number) return;
    problems.addWhole(["vms", number, "name"], `two VMs are called "${name}"`);
  });
}

/**
 * @param directory where relative names of trace files start
 * @returns null if a guest cannot be known: what depends on it is not looked at
 */
export function vmPlans(
  scenario: Scenario,
  keepsVersions: boolean,
  directory: string,
  problems: Problems,
): readonly VmPlan[] | null {
  // A guest that has to be run takes seconds: not for a scenario that is known to be wrong.
  const isWrong = problems.found.length > 0;
  if (isWrong && scenario.vms.some(({ workload }) => isRunToBeKnown(workload))) return null;
  const plans = scenario.vms.map((vm, number) => {
    const workloads = guestsOf(scenario, vm, number, directory, problems);
    if (workloads === null) return null;
    const plan = planOf(vm, number, workloads, keepsVersions, problems);
    const owner = {
      vm,
      number,
      name: plan.name,
      pages: plan.pages,
      workloads,
      seed: scenario.seed,
    };
    const { pv, devices } = hypervisorWrites(owner, problems);
    return { ...plan, pv, devices: devicePlans(owner, devices, problems) };
  });
  const known = plans.filter((plan) => plan !== null);
  return known.length < plans.length ? null : known;
}

/** One for each vCPU. */
function guestsOf(
  { seed }: Scenario,
  vm: Vm,
  number: number,
  directory: string,
  problems: Problems,
): readonly Workload[] | null {
  const name = vmName(vm, number);
  try {
    const programs = Array.from({ length: vm.vcpus }, (_, vcpu) =>
      createWorkload(vm.workload, `${name}/workload${vcpu}`, {
        seed,
        directory,
        showsBytes: vm.contents === "bytes",
      }),
    );
    refuseUnknownBytes(name, vm, programs);
    if (
      "reallocates" in vm.workload &&
      vm.workload.reallocates === true &&
      vm.kernel === undefined
    ) {
      throw new UserError(
        `VM "${name}": "reallocates" needs the VM's "kernel", which gives memory anew`,
      );
    }
    return vm.kernel === undefined ? programs : given(name, programs, vm.kernel, vm.memory);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problems.addWhole(["vms", number, "workload"], error.message);
    return null;
  }
}

/** @throws UserError if the bytes of the guest's pages are asked for, and not known */
function refuseUnknownBytes(name: string, { contents }: Vm, workloads: readonly Workload[]): void {
  if (contents !== "bytes" || workloads.every(({ machine }) => machine !== undefined)) return;
  throw new UserError(
    `VM "${name}": contents "bytes" needs a guest whose machine runs beside: kind linux or wasm, live: true`,
  );
}

/** @throws UserError with the VM's name */
function given(
  name: string,
  programs: readonly Workload[],
  kernel: KernelConfig,
  pages: number | undefined,
): readonly Workload[] {
  try {
    return withKernel(programs, kernel, pages);
  } catch (error) {
    throw error instanceof UserError ? new UserError(`VM "${name}": ${error.message}`) : error;
  }
}

/** What a VM with slots cannot be, or have. */
function refuseForSlots(
  { vm, number, pages, end }: { vm: Vm; number: number; pages: number; end: number },
  workloads: readonly Workload[],
  problems: Problems,
): void {
  const at = (field: string, message: string): void =>
    problems.add(["vms", number, field], message);
  if (vm.paging !== "off") {
    at("paging", `slots are of guest-physical memory: expected "off", not "${vm.paging}"`);
  }
  // While a slot logs KVM maps 4 KiB alone (kvm_mmu_hugepage_adjust).
  if (vm.pageSize !== "4K") at("pageSize", `with slots expected "4K", not "${vm.pageSize}"`);
  if (workloads.some(({ traced }) => traced !== undefined)) {
    at("slots", "a machine that was recorded has its memory where it was");
  }
  if (end > pages) at("memory", `slots reach to page ${end}, its memory has ${pages}`);
}

function planOf(
  vm: Vm,
  number: number,
  workloads: readonly Workload[],
  keepsVersions: boolean,
  problems: Problems,
): Omit<VmPlan, "devices" | "pv"> {
  const name = vmName(vm, number);
  const touched = Math.max(...workloads.map(({ pages }) => pages));
  const slots = slotsPlan(vm, { problems, vm: number });
  const end = slots === null ? 0 : slotsEnd(slots);
  const pages = vm.memory ?? Math.max(touched, end);
  if (slots !== null) refuseForSlots({ vm, number, pages, end }, workloads, problems);
  if (vm.paging !== "off" && workloads.some((one) => one.guestPhysical === true)) {
    const why =
      vm.contents === "bytes" ? "the bytes of its pages are" : "the pages of its trace are";
    problems.addWhole(
      ["vms", number, "paging"],
      `VM "${name}": ${why} guest-physical; expected paging "off", not "${vm.paging}"`,
    );
  }
  if (workloads.length > 1 && workloads[0]?.traced !== undefined) {
    problems.addWhole(
      ["vms", number, "vcpus"],
      `VM "${name}": what was recorded is a machine with one processor; expected 1, not ${workloads.length}`,
    );
  }
  if (workloads.length > 1 && vm.contents === "bytes") {
    problems.addWhole(
      ["vms", number, "vcpus"],
      `VM "${name}": contents "bytes" is of one program's memory; expected 1 vCPU, not ${workloads.length}`,
    );
  }
  if (touched > pages) {
    problems.addWhole(
      ["vms", number, "memory"],
      `VM "${name}": its workload uses ${touched} pages, its memory has ${pages}`,
    );
  }
  const limit = vm.paging === "pae" ? PAE_PAGES : LINEAR_PAGES_MAX;
  if (pages > limit) {
    problems.addWhole(
      ["vms", number, "paging"],
      `VM "${name}": ${pages} pages; with paging "${vm.paging}" at most ${limit}`,
    );
  }
  return {
    name,
    pages,
    initialPages: pages,
    slots,
    paging: vm.paging,
    leafLevel: LEAF_LEVELS[vm.pageSize],
    keepVersions: vm.contents !== false || keepsVersions,
    waits: vm.gaps === "wait",
    workloads,
  };
}
