import { describe, expect, it } from "vitest";
import { pinatrace } from "../../../workloads/trace/formats/pinatrace.ts";
import { READ, readText, WRITE } from "./reading.ts";

describe("pinatrace", () => {
  it("reads R and W with the address behind them, and no instruction", () => {
    const { runs, understood } = readText(
      pinatrace,
      "0x7f8a00000000: W 0x7ffd12342040\n0x7f8a00000004: R 0x55d0c3a03c5f\n#eof\n",
    );
    expect(runs).toEqual([
      { page: 0x7ffd12342, kind: WRITE, length: 1 },
      { page: 0x55d0c3a03, kind: READ, length: 1 },
    ]);
    expect(understood).toMatchObject({ accessLines: 2, otherLines: 1, unknownLines: 0 });
  });

  it.each(["0x1: X 0x2", "0x1: R", ": R 0x2", "0x1 R 0x2", "0x1: R 0x11112222333344445", "R 0x2"])(
    "does not understand %j",
    (line) => {
      const { runs, understood } = readText(pinatrace, `${line}\n`);
      expect(runs).toEqual([]);
      expect(understood.firstUnknown).toEqual({ line: 1, text: line });
    },
  );
});
