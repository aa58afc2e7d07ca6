/** Traces of guest-physical addresses: pages keep their numbers, and the guest has no paging of its own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { runScenario } from "../../src/library/index.ts";
import { traceScenario } from "../../src/runs/scenarioFile.ts";
import { buildSystem } from "../../src/system/build.ts";
import { importLog } from "../../workloads/trace/import.ts";
import { isGuestPhysical, TraceReader } from "../../workloads/trace/reader.ts";
import { createWorkload } from "../../workloads/workloadKinds.ts";
import { encodeTrace, scratchDirectory } from "./traceHelpers.ts";

const directory = scratchDirectory();
const WRITE = 1;
const runs = [700, 3, 700].map((page) => ({ page, kind: WRITE, length: 2 }));
const file = join(directory, "gpa.tvtrace");
writeFileSync(file, encodeTrace(runs, undefined, "guest", "guestPhysical"));
const linear = join(directory, "linear.tvtrace");
writeFileSync(linear, encodeTrace(runs));

describe("a trace of guest-physical addresses", () => {
  it("says so in its header, which is of version 2; other traces are of version 1", () => {
    const header = (path: string) => {
      const reader = new TraceReader(path);
      reader.close();
      return reader.header;
    };
    expect(header(file)).toEqual({
      addresses: "guestPhysical",
      command: "guest",
      hasConsole: false,
    });
    expect(header(linear)).toEqual({ addresses: "linear", command: "test", hasConsole: false });
    const version = (addresses: "linear" | "guestPhysical") =>
      encodeTrace(runs, 1, "", addresses).readUInt32LE(8);
    expect([version("linear"), version("guestPhysical")]).toEqual([1, 2]);
    expect([file, linear, join(directory, "none")].map(isGuestPhysical)).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("is damaged if the addresses are of no kind", () => {
    const bytes = encodeTrace(runs, undefined, "x", "guestPhysical");
    for (const [at, byte] of [
      [8, 1], // the version: the header is longer than it says
      [12 + 16 + 8, 9],
    ] as const) {
      const damaged = Buffer.from(bytes);
      damaged[at] = byte;
      const path = join(directory, "damaged.tvtrace");
      writeFileSync(path, damaged);
      const reader = new TraceReader(path);
      reader.close();
      expect(reader.damage?.block).toBe(0);
    }
  });

  it("plays its pages with the numbers that they have; others are numbered by first use", () => {
    const played = (path: string) => {
      const workload = createWorkload(
        { kind: "trace", file: path, placement: "compact", passes: 1, gap: 0 },
        "w",
      );
      const block = new Int32Array(16);
      const count = workload.fill(block);
      return {
        pages: workload.pages,
        words: [...block.subarray(0, count)].map((word) => word >> 2),
      };
    };
    expect(played(file)).toEqual({ pages: 701, words: [700, 700, 3, 3, 700, 700] });
    expect(played(linear)).toEqual({ pages: 2, words: [0, 0, 1, 1, 0, 0] });
  });

  it("is refused with another placement, and beyond what a guest can have", () => {
    const play = (path: string, placement: "compact" | "regions") => () =>
      createWorkload({ kind: "trace", file: path, placement, passes: 1, gap: 0 }, "w");
    expect(play(file, "regions")).toThrow('keep their numbers: no placement "regions"');
    const far = join(directory, "far.tvtrace");
    const one = [{ page: 2 ** 30, kind: WRITE, length: 1 }];
    writeFileSync(far, encodeTrace(one, undefined, "", "guestPhysical"));
    expect(play(far, "compact")).toThrow(
      "uses guest-physical page 1073741824; a guest has at most",
    );
    expect(play(far, "compact")).toThrow(UserError);
  });

  it("is played by a VM without paging of its own, and by no other", () => {
    const named = { name: "t", origin: "t" };
    const { scenario } = traceScenario(file, named, []);
    expect(scenario.vms[0]!.paging).toBe("off");
    expect(traceScenario(linear, named, []).scenario.vms[0]!.paging).toBe("longMode");
    const [vm] = scenario.vms;
    const paged = { ...scenario, vms: [{ ...vm!, paging: "longMode" as const }] };
    expect(() => buildSystem(paged)).toThrow(
      'VM "vm0": the pages of its trace are guest-physical; expected paging "off", not "longMode"',
    );
  });

  it("is found under PML as the pages that the guest wrote", async () => {
    const summary = await runScenario(file, { set: { "tracker.technique": "pml" } });
    expect(summary.failures).toEqual([]);
  });
});

describe("an import", () => {
  const log = join(directory, "a.log");
  const imported = (text: string, options = {}) => {
    writeFileSync(log, text);
    return importLog(log, undefined, undefined, undefined, options);
  };
  const fault = " a-7 [001] 1.5: kvm_page_fault: address 5000 error_code 182\n";

  it("has the addresses of the format, unless it is said that they are guest-physical", async () => {
    expect((await imported(fault)).addresses).toBe("guestPhysical");
    expect((await imported(" S 1000,1\n")).addresses).toBe("linear");
    const said = await imported(" S 1000,1\n", { guestPhysical: true });
    expect(said.addresses).toBe("guestPhysical");
  });

  it("of guest-physical addresses has no processes", async () => {
    const two = "==1== S 1000,1\n==2== S 1000,1\n";
    await expect(imported(two, { guestPhysical: true })).rejects.toThrow(
      "guest-physical addresses of several processes; choose one with --process PID",
    );
    const one = await imported(two, { guestPhysical: true, process: 2 });
    expect(one.accesses).toBe(1);
  });
});
