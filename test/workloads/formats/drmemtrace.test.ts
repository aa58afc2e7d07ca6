import { describe, expect, it } from "vitest";
import { drmemtrace } from "../../../workloads/trace/formats/drmemtrace.ts";
import { FETCH, READ, readText, WRITE } from "./reading.ts";

const view = (thread: string) => `Output format:
<--record#-> <--instr#->: <---tid---> <record details>
------------------------------------------------------------
           1           0: ${thread} <marker: version 4>
           2           0: ${thread} <marker: tid 71 on core 3>
           3           1: ${thread} ifetch       3 byte(s) @ 0x0000000000401ffe 48 89 e7             mov    %rsp, %rdi
           4           2: ${thread} ifetch      10 byte(s) @ 0x0000000000402001 48 b8 00 00 00 00 00 mov    $0x0, %rax
           4           2: ${thread}                                             00 00 00
           5           2: ${thread} write        8 byte(s) @ 0x00007ffd12345a48 by PC 0x0000000000402001
           6           2: ${thread} read        32 byte(s) @ 0x00007ffd12346000 by PC 0x0000000000402001
           7           2: ${thread} pref-r-L1    1 byte(s) @ 0x00007ffd12347000 by PC 0x0000000000402001
           8           2: ${thread} <thread 71 exited>
View tool results:
              2 : total instructions
`;
const expected = [
  { page: 0x401, kind: FETCH, length: 1 },
  { page: 0x402, kind: FETCH, length: 2 },
  { page: 0x7ffd12345, kind: WRITE, length: 1 },
  { page: 0x7ffd12346, kind: READ, length: 1 },
];

describe("drmemtrace", () => {
  it.each([
    ["threads", "         71"],
    ["workloads and threads", "      W3.T71"],
  ])(
    "reads fetches, reads and writes of %s; markers, prefetches and second lines are none",
    (_name, thread) => {
      const { runs, understood, splitAccesses } = readText(drmemtrace, view(thread));
      expect(runs).toEqual(expected);
      expect(splitAccesses).toBe(1);
      expect(understood).toMatchObject({ accessLines: 4, unknownLines: 0 });
    },
  );

  it("a workload is an address space", () => {
    const line = (thread: string) =>
      `1 1: ${thread} read 8 byte(s) @ 0x0000000000001000 by PC 0x1\n`;
    const { runs } = readText(drmemtrace, line("W0.T1") + line("W0.T2") + line("W1.T3"));
    expect(runs.map(({ page, length }) => [page, length])).toEqual([
      [1, 2],
      [2 ** 36 + 1, 1],
    ]);
  });

  it.each([
    "1 1: 7 read 8 byte(s) @ 1000 by PC 0x1",
    "1 1: 7 read 99999999 byte(s) @ 0x1000 by PC 0x1",
    "1 1: 7 took 8 byte(s) @ 0x1000 by PC 0x1",
    "hello",
  ])("does not understand %j", (line) => {
    expect(readText(drmemtrace, `${line}\n`)).toMatchObject({
      runs: [],
      understood: { unknownLines: 1 },
    });
  });
});
