/** What a scenario's hypervisor writes to the memory of its VMs, planned; and what of it cannot be. */
import { Random } from "../../../workloads/random.ts";
import { parseDuration } from "../../config/units.ts";
import type { Problems } from "../../errors.ts";
import { PV_DEFAULTS } from "../deviceSchema.ts";
import type { DevicePlan, PvPlan } from "../worldPlan.ts";
import type { DeviceOwner } from "./devices.ts";

/** Its name among the VM's devices: whoever sends an event runs no vCPU of the VM. */
const EVENTS = "events";

export interface HypervisorWrites {
  readonly pv: PvPlan | null;
  /** The page of its event channels, which is written as a device writes. */
  readonly devices: readonly DevicePlan[];
}

const NOTHING: HypervisorWrites = { pv: null, devices: [] };

/** A page of time stolen for each vCPU, one of the clock of all, and with events one of these. */
export function hypervisorWrites(owner: DeviceOwner, problems: Problems): HypervisorWrites {
  const { vm, number, name, pages, workloads } = owner;
  const { hypervisorWrites: asked } = vm;
  if (asked === undefined) return NOTHING;
  const refuse = (field: string, message: string): void =>
    problems.addWhole(
      ["vms", number, "hypervisorWrites", ...(field === "" ? [] : [field])],
      `VM "${name}": ${message}`,
    );
  if (workloads.some(({ machine }) => machine !== undefined)) {
    refuse("", "its guest is a machine that knows no hypervisor; expected none");
  }
  if (vm.slots !== undefined) {
    refuse("", `they go where the VM has memory at all times; expected no "slots" beside them`);
  }
  const count = workloads.length + (asked.events === undefined ? 1 : 2);
  const first = asked.from ?? pages - count;
  if (first < 0 || first + count > pages) {
    refuse("from", `${count} pages from page ${Math.max(first, 0)}, the VM's memory has ${pages}`);
  }
  const clock = first + workloads.length;
  const latencyCycles = asked.latency ?? parseDuration(PV_DEFAULTS.latency) ?? 0;
  const pv = { pages: workloads.map((_, vcpu) => [first + vcpu, clock]), latencyCycles };
  if (asked.events === undefined) return { pv, devices: [] };
  return { pv, devices: [eventsOf(clock + 1, asked.events, latencyCycles)] };
}

function eventsOf(page: number, intervalCycles: number, latencyCycles: number): DevicePlan {
  return {
    name: EVENTS,
    intervalCycles,
    latencyCycles,
    depth: 1,
    requestPages: 1,
    first: page,
    count: 1,
    order: "sequential",
    random: new Random(0),
    tracking: "vmm",
    usedPage: 0,
    mapsOnUse: false,
    flushCycles: 0,
  };
}
