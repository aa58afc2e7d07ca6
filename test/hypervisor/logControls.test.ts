/** Turning PML on for all vCPUs of a VM or for none, with a pool of log pages that can run out. */
import { describe, expect, it } from "vitest";
import { EPTP_ACCESSED_DIRTY, Field, readField } from "../../src/hardware/vmcs.ts";
import { techniqueNamed } from "../../src/hypervisor/techniques/all.ts";
import { disableLogs, enableLogs } from "../../src/hypervisor/techniques/logControls.ts";
import { System } from "../../src/system/system.ts";
import { configuredUnits, unitNamed } from "../../src/units/all.ts";
import { SECONDARY_PML } from "../../src/units/pml/walk.ts";
import { configOf, SIMPLE } from "../system/smallSystems.ts";

const PML = unitNamed(configuredUnits(), "pml")!;

/** Two VMs of so many vCPUs, and a pool of so many logs for both. */
function world(logLimit: number, vcpus: readonly [number, number]) {
  const config = configOf({
    ...SIMPLE,
    vms: vcpus.map((count) => ({
      pages: 4,
      paging: "off" as const,
      leafLevel: 1 as const,
      vcpus: Array.from({ length: count }, () => ({ gap: 0, script: [[0, 1]] as const })),
    })),
  });
  const tracking = { ...config.world.tracking, logLimit };
  const { vms } = new System({ ...config, world: { ...config.world, tracking } }).world;
  return vms.map(({ tracked }) => tracked);
}

type Tracked = ReturnType<typeof world>[number];

function logging({ vcpus }: Tracked): boolean[] {
  return vcpus.map(({ vmcs }) => {
    const controls = readField(vmcs, Field.secondaryControls);
    const pointer = readField(vmcs, Field.eptPointer);
    return (controls & SECONDARY_PML) !== 0 && (pointer & EPTP_ACCESSED_DIRTY) !== 0;
  });
}

describe("enabling PML (Xen vmx_domain_enable_pml)", () => {
  it("enables every vCPU, or none, and leaves nothing allotted when it fails", () => {
    const [first, second] = world(3, [4, 3]) as [Tracked, Tracked];
    expect(enableLogs(first, PML)).toBe(false);
    expect(logging(first)).toEqual([false, false, false, false]);
    expect(enableLogs(second, PML)).toBe(true);
    expect(logging(second)).toEqual([true, true, true]);
  });

  it("can be done twice, and takes nothing the second time", () => {
    const [first, second] = world(2, [1, 1]) as [Tracked, Tracked];
    expect(enableLogs(first, PML) && enableLogs(first, PML)).toBe(true);
    expect(enableLogs(second, PML)).toBe(true);
  });

  it("gives the logs back when it is turned off (vmx_vcpu_disable_pml)", () => {
    const [first, second] = world(2, [2, 2]) as [Tracked, Tracked];
    for (let turn = 0; turn < 5; turn++) {
      for (const [one, other] of [
        [first, second],
        [second, first],
      ] as const) {
        expect(enableLogs(one, PML)).toBe(true);
        expect(techniqueNamed("pml")?.arm(other, null)).toBeNull();
        disableLogs(one);
        expect(logging(one)).toEqual([false, false]);
      }
    }
    // The memory itself is kept for the vCPU's next log.
    expect(first.logs.frame.every((frame) => frame < 0)).toBe(true);
  });

  it("uses one log for each vCPU and none twice", () => {
    const [first, second] = world(4, [2, 2]) as [Tracked, Tracked];
    expect(enableLogs(first, PML) && enableLogs(second, PML)).toBe(true);
    const frames = [...first.vcpus, ...second.vcpus].map(({ vmcs }) =>
      readField(vmcs, Field.logAddress),
    );
    expect(new Set(frames).size).toBe(4);
    expect(frames).not.toContain(0);
  });
});
