import { describe, expect, it } from "vitest";
import { kvmFaults } from "../../../workloads/trace/formats/kvmFaults.ts";
import { FETCH, MODIFY, READ, readText, WRITE } from "./reading.ts";

const event = (text: string) => `       CPU 0/KVM-41    [002] .....    86.581928: ${text}\n`;
const kinds = (...codes: readonly string[]) =>
  codes.map(
    (code) =>
      readText(
        kvmFaults,
        event(`kvm_page_fault: vcpu 0 rip 0x7f08 address 0x0000000000005000 error_code 0x${code}`),
      ).runs[0]?.kind,
  );

describe("kvm-ftrace", () => {
  it("reads page faults of any Linux; other events, heads and comments are none", () => {
    const { runs, understood } = readText(
      kvmFaults,
      `cpus=2\n# tracer: nop\n${event("kvm_exit: vcpu 0 reason EPT_VIOLATION rip 0x7f08 info1 0x182")}` +
        event("kvm_page_fault: vcpu 0 rip 0x7f08 address 0x000000001234204f error_code 0x182") +
        "  kvm-41 [001]  86.5: kvm_page_fault:       address 1234304f error_code 182\n" +
        "  qemu 41/43 [001]  86.500000: kvm:kvm_page_fault: address 1234404f error_code 182\n" +
        "  qemu 41/43 [001]  86.500000: kvm:kvm_entry: vcpu 0\n",
    );
    expect(runs).toEqual(
      [0x12342, 0x12343, 0x12344].map((page) => ({ page, kind: WRITE, length: 1 })),
    );
    expect(understood).toMatchObject({ accessLines: 3, otherLines: 4, unknownLines: 0 });
    expect(kvmFaults.addresses).toBe("guestPhysical");
  });

  it("an EPT violation says what it was in bits 0 to 2", () => {
    expect(kinds("181", "182", "183", "184", "189")).toEqual([READ, WRITE, MODIFY, FETCH, READ]);
  });

  it("a nested page fault in bits 1 and 4, known by bit 32 or 33 or by the exit before", () => {
    expect(kinds("100000004", "100000006", "200000007", "100000014")).toEqual([
      READ,
      WRITE,
      WRITE,
      FETCH,
    ]);
    const old =
      event("kvm_exit: reason npf rip 0x1 info 6 1000") +
      event("kvm_page_fault: address 1000 error_code 6");
    expect(readText(kvmFaults, old).runs[0]!.kind).toBe(WRITE);
  });

  it("lost events are not understood: faults are missing", () => {
    const { understood } = readText(kvmFaults, "CPU:2 [LOST 12 EVENTS]\n");
    expect(understood.firstUnknown).toEqual({ line: 1, text: "CPU:2 [LOST 12 EVENTS]" });
  });
});
