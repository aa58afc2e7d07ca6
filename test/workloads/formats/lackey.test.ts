import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UserError } from "../../../src/errors.ts";
import { lackey } from "../../../workloads/trace/formats/lackey.ts";
import type { ProcessChoice } from "../../../workloads/trace/processes.ts";
import type { Run } from "../traceHelpers.ts";
import { type Read, readLog, readText } from "./reading.ts";

const [READ, WRITE, FETCH, MODIFY] = [0, 1, 2, 3];

const log = [
  "==12== Lackey, an example Valgrind tool",
  "==12== Command: sort -n words.txt",
  "I  04016b80,3",
  "I  04016b83,5",
  " S 1ffeff7f98,8",
  " L 1ffeff7f98,8",
  "output of the program",
  " L 1ffeff7f90,4",
  " M 04017ffc,8",
  "I  ffffffffff600000,1",
  " S 0,1",
  "I  04016b80,3 trailing",
  " L 04016b80",
  "",
  "==12== Exit code: 0",
].join("\n");

const expected: readonly Run[] = [
  { page: 0x4016, kind: FETCH, length: 2 },
  { page: 0x1ffeff7, kind: WRITE, length: 1 },
  { page: 0x1ffeff7, kind: READ, length: 2 },
  { page: 0x4017, kind: MODIFY, length: 1 },
  { page: 0x4018, kind: MODIFY, length: 1 },
  { page: 0xffffffffff600, kind: FETCH, length: 1 },
  { page: 0, kind: WRITE, length: 1 },
];

const parse = (chunks: readonly Buffer[]) => readLog(lackey, chunks);
const parseText = (text: string, choice?: ProcessChoice) => readText(lackey, text, choice);
/** Lines that were no accesses. */
const skipped = ({ understood }: Read) => understood.otherLines + understood.unknownLines;

describe("the lackey parser", () => {
  it("reads every kind, merges runs, splits at page boundaries, counts what it skips", () => {
    const read = parseText(log);
    expect(read.runs).toEqual(expected);
    expect(read.understood).toEqual({
      unit: "line",
      accessLines: 8,
      otherLines: 4,
      unknownLines: 3,
      firstUnknown: { line: 7, text: "output of the program" },
    });
    expect(read.splitAccesses).toBe(1);
    expect(read.programs).toEqual([
      { process: 12, command: "sort -n words.txt", accesses: 9, space: 0 },
    ]);
  });

  it("reads the same in two pieces cut at any byte, and byte by byte", () => {
    const bytes = Buffer.from(log);
    const same = (chunks: readonly Buffer[]) => {
      expect(parse(chunks)).toEqual(parseText(log));
    };
    for (let cut = 0; cut <= bytes.length; cut++) {
      same([bytes.subarray(0, cut), bytes.subarray(cut)]);
    }
    same([...bytes.keys()].map((i) => bytes.subarray(i, i + 1)));
  });

  it.each([
    "I  ,3",
    "I  0x,3",
    "I  0x0x1,3",
    "I  04016b80,",
    "I  04016b80,0",
    "I  04016b80,12345",
    "I  04016b80;3",
    "I  0401xb80,3",
    "I  11112222333344445,3",
    "I  04016b80,3x",
    "I  04016b80,-3",
    "LS 04016b80,3",
    " X 04016b80,3",
    " S 0401 6b80,3",
    "==1= S 04016b80,3",
    "==x== S 04016b80,3",
    "==1234567890== S 04016b80,3",
    "04016b80,3",
    "I  fffffffffffffffc,8",
    "I",
    " ",
    "",
  ])("skips %j", (line) => {
    const read = parseText(`${line}\n S 5000,1\n`);
    expect(read.runs).toEqual([{ page: 5, kind: WRITE, length: 1 }]);
    expect(skipped(read)).toBe(1);
  });

  it("reads lines that end in CR LF, upper case, and a last line without an end", () => {
    const { runs } = parseText(" L 00001000,4\r\n S 0000A000,8\n M 2000,1");
    expect(runs).toEqual([
      { page: 1, kind: READ, length: 1 },
      { page: 10, kind: WRITE, length: 1 },
      { page: 2, kind: MODIFY, length: 1 },
    ]);
  });

  it("splits exactly at the boundary", () => {
    const pages = (line: string) => parseText(`${line}\n`).runs.map((run) => run.page);
    expect(pages(" L 1ff8,8")).toEqual([1]);
    expect(pages(" L 1ff9,8")).toEqual([1, 2]);
    expect(pages(" L 1fff,1")).toEqual([1]);
    expect(pages(" L 1fff,4098")).toEqual([1, 2, 3]);
  });

  it("skips a line of any length in no memory, in pieces or whole", () => {
    const long = Buffer.alloc(100_000, " L 1000,4");
    const end = Buffer.from("\n S 5000,1\n");
    for (const chunks of [[long, long, end], [Buffer.concat([long, end])]]) {
      const { runs, understood } = parse(chunks);
      expect(runs).toEqual([{ page: 5, kind: WRITE, length: 1 }]);
      expect(understood).toMatchObject({ unknownLines: 1, firstUnknown: { line: 1 } });
    }
  });

  it("agrees with a simple reader on any damaged text, cut anywhere", () => {
    const simple = (text: string) => {
      const lines = text.split("\n");
      if (lines.at(-1) === "") lines.pop();
      const pages: string[] = [];
      for (const line of lines) {
        const match = /^ *([ILSM]) *(?:0x)?([0-9a-fA-F]{1,16}) *, *(\d{1,4})[ \r]*$/.exec(line);
        if (match === null || Number(match[3]) === 0) continue;
        const address = BigInt(`0x${match[2]}`);
        const last = (address + BigInt(match[3]!) - 1n) >> 12n;
        if (last >= 1n << 52n) continue;
        for (let page = address >> 12n; page <= last; page++) pages.push(`${match[1]}${page}`);
      }
      return pages;
    };
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.integer({ min: log.indexOf("I "), max: log.lastIndexOf("=") - 6 }),
            fc.constantFrom(..." \n\rILSM,0f9=x"),
          ),
          {
            maxLength: 12,
          },
        ),
        fc.nat(log.length),
        (changes, cut) => {
          const characters = [...log];
          for (const [at, character] of changes) characters[at] = character;
          const bytes = Buffer.from(characters.join(""));
          const { runs } = parse([bytes.subarray(0, cut), bytes.subarray(cut)]);
          const accesses = runs.flatMap(({ page, kind, length }) =>
            Array<string>(length).fill(`${"LSIM"[kind]}${page}`),
          );
          expect(accesses).toEqual(simple(characters.join("")));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it.each([
    ["no blanks", "I4000,3\nL5000,8\nS6000,8\nM7000,4\n"],
    ["one blank (CS:APP's labs)", "I 4000,3\n L 5000,8\n S 6000,8\n M 7000,4\n"],
    ["blanks stripped at the left", "I  4000,3\nL 5000,8\nS 6000,8\nM 7000,4\n"],
    ["tabs", "I\t4000,3\n\tL 5000, 8\n\tS 6000 ,8 \n\tM 7000,4\t\n"],
    ["0x", "I  0x4000,3\n L 0X5000,8\n S 0x06000,8\n M 0x7000,4\n"],
    ["==pid== of one process", "==7== I  4000,3\n==7==  L 5000,8\n==7== S 6000,8\n==7==M 7000,4\n"],
    [
      "--time-stamp=yes",
      "==00:00:00:00.000 7== Command: a\nI  4000,3\n L 5000,8\n S 6000,8\n M 7000,4\n",
    ],
    ["--trace-superblocks=yes", "SB 04016b80\nI  4000,3\n L 5000,8\n S 6000,8\n M 7000,4\n"],
    ["CR LF", "I  4000,3\r\n L 5000,8\r\n S 6000,8\r\n\r\n M 7000,4\r\n"],
  ])("reads the dialect with %s whole", (_name, text) => {
    const { runs, understood } = parseText(text);
    expect(runs).toEqual([
      { page: 4, kind: FETCH, length: 1 },
      { page: 5, kind: READ, length: 1 },
      { page: 6, kind: WRITE, length: 1 },
      { page: 7, kind: MODIFY, length: 1 },
    ]);
    expect(understood.unknownLines).toBe(0);
  });
});

describe("several processes in one log", () => {
  const OTHER = 2 ** 36;
  const program = (process: number, command: string, body: string) =>
    `==${process}== Command: ${command}\n==${process}== \n${body}`;
  const mixed =
    program(10, "sh", " S 1000,1\n") +
    program(11, "ls", " S 1000,1\n S 2000,1\n") +
    "==11== Exit code:       0\n S 3000,1\n";

  it("are two address spaces when accesses say whose they are", () => {
    const { runs, programs } = parseText("==10== S 1000,1\n==11==  S 1000,1\n==10==  S 2000,1\n");
    expect(runs.map(({ page }) => page)).toEqual([1, OTHER + 1, 2]);
    expect(programs.map(({ process, accesses }) => [process, accesses])).toEqual([
      [10, 2],
      [11, 1],
    ]);
  });

  it("are refused when they do not, with the names of both", () => {
    expect(() => parseText(mixed)).toThrow(
      /do not say whose they are: the log has 10 \(sh\), 11 \(ls\); choose one with --process PID/,
    );
    expect(() => parseText(mixed)).toThrow(UserError);
  });

  it("can be chosen: accesses are of the process whose message came last, after its end of the one before", () => {
    const pages = (choice: ProcessChoice) => parseText(mixed, choice).runs.map(({ page }) => page);
    expect(pages(10)).toEqual([1, 3]);
    expect(pages(11)).toEqual([1, 2]);
    expect(pages("all")).toEqual([1, OTHER + 1, OTHER + 2, 3]);
  });

  it("and one that is not there is refused with those that are", () => {
    expect(() => parseText(mixed, 12)).toThrow("no process 12; the log has 10 (sh), 11 (ls)");
  });

  it("a process that executes another program gets a new address space, and nothing is asked", () => {
    const { runs, programs } = parseText(
      program(10, "sh", " S 1000,1\n") + program(10, "ls", " S 1000,1\n"),
    );
    expect(runs.map(({ page }) => page)).toEqual([1, OTHER + 1]);
    expect(programs.map(({ command }) => command)).toEqual(["sh", "ls"]);
  });

  it("a log without a head belongs to the one process that is heard of later", () => {
    const { programs } = parseText(" S 1000,1\n==10== Exit code: 0\n");
    expect(programs).toEqual([{ process: 10, command: "", accesses: 1, space: 0 }]);
  });

  it("pages beyond 48 bits cannot be told apart, and are refused", () => {
    const wide = "==10== S 00ff000000001000,1\n";
    expect(parseText(wide).runs).toHaveLength(1);
    for (const text of [`${wide}==11== S 1000,1\n`, `==11== S 1000,1\n${wide}`]) {
      expect(() => parseText(text)).toThrow("more than 48 bits");
    }
    const upper = parseText("==10== S 1000,1\n==11== I ffffffffff600000,1\n");
    expect(upper.runs[1]!.page).toBe(OTHER + (0xffffffffff600 % OTHER));
  });

  it("thousands of them end in one line", () => {
    const many = Array.from({ length: 5000 }, (_, i) => `==${i}== S 1000,1\n`).join("");
    expect(() => parseText(many)).toThrow("more than 4096 processes");
  });
});
