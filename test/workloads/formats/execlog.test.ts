import { describe, expect, it } from "vitest";
import { execlog, execlogUser } from "../../../workloads/trace/formats/execlog.ts";
import { FETCH, READ, readText, WRITE } from "./reading.ts";

const system = `0, 0xffffffff81000000, 0xc03148, "xorq %rax, %rax"
0, 0xffffffff81000003, 0x78948, "movq %rax, (%rdi)", store, 0x01234ff8, RAM
0, 0xffffffff81000006, 0xa5, "movsl (%rsi), (%rdi)", load, 0x00001000, RAM, store, 0x00002000, RAM
0, 0xffffffff81000007, 0xec, "inb %dx, %al", load, 0xfee00020, apic-msi, rax -> 0x0000000000000001
`;
const user = `0, 0x401000, 0x78948, "movq %rax, (%rdi)", store, 0x4000801000
0, 0x401003, 0xa5, "movsl", load, 0x4000802000, store, 0x4000803000, rsi -> 0x4000802004
0, 0x401004, 0x90, "nop"
`;

describe("execlog", () => {
  it("of a system has guest-physical loads and stores of RAM, those of devices are none", () => {
    const { runs, understood } = readText(execlog, system);
    expect(runs).toEqual([
      { page: 0x1234, kind: WRITE, length: 1 },
      { page: 1, kind: READ, length: 1 },
      { page: 2, kind: WRITE, length: 1 },
    ]);
    expect(understood).toMatchObject({ accessLines: 2, otherLines: 2, unknownLines: 0 });
    expect(execlog.addresses).toBe("guestPhysical");
  });

  it("of a program has its fetches, loads and stores, all linear", () => {
    const { runs, understood } = readText(execlogUser, user);
    expect(runs).toEqual([
      { page: 0x401, kind: FETCH, length: 1 },
      { page: 0x4000801, kind: WRITE, length: 1 },
      { page: 0x401, kind: FETCH, length: 1 },
      { page: 0x4000802, kind: READ, length: 1 },
      { page: 0x4000803, kind: WRITE, length: 1 },
      { page: 0x401, kind: FETCH, length: 1 },
    ]);
    expect(understood.unknownLines).toBe(0);
    expect(execlogUser.addresses).toBe("linear");
  });

  it("the two are told apart by the device behind an address", () => {
    const found = (text: string) =>
      [execlog, execlogUser].map((format) => format.recognise(Buffer.from(text)));
    expect(found(system)).toEqual([3, 0]);
    expect(found(user)).toEqual([0, 2]);
  });

  it.each([
    '0, 0x1, 0x2, "a", load, 0x10',
    '0, 0x1, 0x2, "a", load, 10, RAM',
    '0, 0x1, 0x2, "a", loaded, 0x10, RAM',
    '0, 0x1, 0x2, "a", what',
    '0, 1, 0x2, "a"',
  ])("of a system does not understand %j", (line) => {
    expect(readText(execlog, `${line}\n`)).toMatchObject({
      runs: [],
      understood: { unknownLines: 1 },
    });
  });
});
