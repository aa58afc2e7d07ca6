import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { perfScript } from "../../../workloads/trace/formats/perfScript.ts";
import { scratchDirectory } from "../traceHelpers.ts";
import { FETCH, READ, readText, WRITE } from "./reading.ts";

const SOURCE = "10268100142 |OP LOAD|LVL L1 hit|SNP None|TLB L1 or L2 hit|LCK No|BLK    N/A    5";

describe("perf-script", () => {
  it.each([
    ["an address alone", "true 7/7  1.000001: page-faults:     557a58ecf1e0", READ],
    [
      "an address, its symbol, the instruction's",
      "true 7/7 1.000001: 1 page-faults: 557a58ecf1e0 a<b, c>+0x0 (/bin/true) ffffffff81775b9a elf_load+0x28a ([kernel.kallsyms])",
      READ,
    ],
    [
      "an address and the instruction's",
      "CPU 0/KVM 7/9 [001] 1.000001: page-faults: 557a58ecf1e0 ffffffff81775b9a",
      READ,
    ],
    [
      "a data source",
      `a b 7/7 [022] 1.000001:      10000 \tcpu/mem-loads,ldlat=30/P: 557a58ecf1e0     ${SOURCE}`.replace(
        "\t",
        "",
      ),
      READ,
    ],
    [
      "a data source of a store",
      `a 7/7 1.000001: cpu/mem-any/P: 557a58ecf1e0 ${SOURCE.replace("LOAD", "STORE")}`,
      WRITE,
    ],
    ["an event of stores", "a 7/7 1.000001: cpu/mem-stores/P: 557a58ecf1e0", WRITE],
    [
      "a fault that read",
      "a 7/7 [001] 1.000001: exceptions:page_fault_user: address=0x557a58ecf1e0 ip=0x7f error_code=0x4",
      READ,
    ],
    [
      "a fault that wrote",
      "a 7/7 1.000001: exceptions:page_fault_user: address=0x557a58ecf1e0f ip=f+0x1 error_code=0x6".replace(
        "1e0f",
        "1e0",
      ),
      WRITE,
    ],
    [
      "a fault that fetched",
      "a 7/7 1.000001: exceptions:page_fault_kernel: address=0x557a58ecf1e0 ip=0x7f error_code=0x14",
      FETCH,
    ],
  ])("reads %s", (_name, line, kind) => {
    const { runs, programs } = readText(perfScript, `${line}\n`);
    expect(runs).toEqual([{ page: 0x557a58ecf, kind, length: 1 }]);
    expect(programs[0]!.process).toBe(7);
    expect(perfScript.recognise(Buffer.from(line))).toBe(1);
  });

  it("an instruction's address with its symbol is no address of data", () => {
    const line =
      "true 7 1.000001: 1 page-faults:  ffffffff81775b9a elf_load+0x28a ([kernel.kallsyms])";
    expect(readText(perfScript, `${line}\n`).understood.firstUnknown).toEqual({
      line: 1,
      text: line.slice(0, 80),
    });
    expect(perfScript.recognise(Buffer.from(line))).toBe(0);
  });

  it("comments, other events, call chains and samples without an address are none", () => {
    const { understood, runs } = readText(
      perfScript,
      "# captured on: today\na 7/7 1.000001: sched:sched_switch: prev_comm=a\n" +
        "\t    7f4df6b3ab70 _start+0x0 (/lib/ld.so)\na 7/7 1.000001: cpu/mem-stores/P:        0\n",
    );
    expect(understood).toMatchObject({ otherLines: 4, unknownLines: 0 });
    expect(runs).toEqual([]);
  });

  it("processes are address spaces; threads that do not say of which process are refused", () => {
    const line = (who: string) => `a ${who} 1.000001: page-faults: 1000\n`;
    const pages = readText(perfScript, line("7/7") + line("7/8") + line("9/9")).runs;
    expect(pages.map(({ page, length }) => [page, length])).toEqual([
      [1, 2],
      [2 ** 36 + 1, 1],
    ]);
    expect(readText(perfScript, line("7") + line("7")).runs).toHaveLength(1);
    expect(() => readText(perfScript, line("7") + line("8"))).toThrow(
      "perf script -F comm,pid,tid,time,event,addr",
    );
    expect(readText(perfScript, line("7") + line("8"), 8).runs).toHaveLength(1);
  });

  const directory = scratchDirectory();
  const data = join(directory, "perf.data");
  const event = "exceptions:page_fault_user";
  const perf = (...words: string[]) => spawnSync("perf", words, { encoding: "utf8" });
  const recorded = perf("record", "-q", "-e", event, "-o", data, "true").status === 0;
  it.skipIf(!recorded)("reads what perf recorded here (skipped where it may not)", () => {
    const text = perf("script", "-i", data, "-F", "comm,pid,tid,time,event,trace").stdout;
    const { runs, understood } = readText(perfScript, text);
    expect(understood.unknownLines).toBe(0);
    expect(understood.accessLines).toBe(text.trim().split("\n").length);
    expect(runs.some(({ kind }) => kind === WRITE)).toBe(true);
  });
});
