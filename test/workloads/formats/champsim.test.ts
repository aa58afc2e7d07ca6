import { describe, expect, it } from "vitest";
import { champsim } from "../../../workloads/trace/formats/champsim.ts";
import { FETCH, READ, readLog, WRITE } from "./reading.ts";

/** A record of an instruction. */
function record(ip: bigint, sources: readonly bigint[], destinations: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.writeBigUInt64LE(ip, 0);
  for (const [i, address] of destinations.entries()) bytes.writeBigUInt64LE(address, 16 + 8 * i);
  for (const [i, address] of sources.entries()) bytes.writeBigUInt64LE(address, 32 + 8 * i);
  return bytes;
}

const trace = Buffer.concat([
  record(0x401000n, [0x7f0000001000n, 0n, 0n, 0x7f0000002000n], [0n, 0x7f0000003000n]),
  record(0xffffffffff600000n, [], []),
]);
const expected = [
  { page: 0x401, kind: FETCH, length: 1 },
  { page: 0x7f0000001, kind: READ, length: 1 },
  { page: 0x7f0000002, kind: READ, length: 1 },
  { page: 0x7f0000003, kind: WRITE, length: 1 },
  { page: 0xffffffffff600, kind: FETCH, length: 1 },
];

describe("champsim", () => {
  it("reads an instruction as its fetch, its reads, its writes; addresses of 0 are none", () => {
    const { runs, understood } = readLog(champsim, [trace]);
    expect(runs).toEqual(expected);
    expect(understood).toMatchObject({ accessLines: 2, unknownLines: 0 });
  });

  it("reads the same cut anywhere", () => {
    for (let cut = 0; cut <= trace.length; cut++) {
      expect(readLog(champsim, [trace.subarray(0, cut), trace.subarray(cut)]).runs).toEqual(
        expected,
      );
    }
  });

  it("does not understand an impossible record, nor one that is cut off", () => {
    const odd = record(0x401000n, [], []);
    odd[8] = 2;
    const far = record(0x401000n, [1n << 60n], []);
    const { understood } = readLog(champsim, [
      Buffer.concat([trace, odd, far]),
      trace.subarray(0, 9),
    ]);
    expect(understood).toEqual({
      unit: "record",
      accessLines: 2,
      otherLines: 0,
      unknownLines: 3,
      firstUnknown: { line: 3, text: "00104000000000000200000000000000" },
    });
  });

  it("is recognised when all records of the beginning are possible, and in no text", () => {
    expect(champsim.recognise(trace)).toBe(2);
    expect(champsim.recognise(Buffer.concat([trace, Buffer.alloc(64)]))).toBe(0);
    expect(champsim.recognise(Buffer.alloc(640, " L 1000,8\n"))).toBe(0);
  });
});
