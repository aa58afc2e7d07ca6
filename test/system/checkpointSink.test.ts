/** A checkpoint file on a real disk: what is under its name at any time. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { UserError } from "../../src/errors.ts";
import { FileSink } from "../../src/system/operations/checkpoint/fileSink.ts";
import { MemorySink, SinkError } from "../../src/system/operations/checkpoint/sink.ts";
import { buildCheckpoints, PLAIN, resultOf, watch } from "./checkpointSystems.ts";

const directory = mkdtempSync(join(tmpdir(), "trackvisor-checkpoint-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const inside = (name: string) => join(directory, name);
const MAGIC = Buffer.from("TVCHKPT\0");

describe("a file sink", () => {
  it("writes what a sink in memory does", () => {
    for (const rewriteAfter of [1, 1e9]) {
      const path = inside(`same-${rewriteAfter}`);
      const memory = new MemorySink();
      watch(buildCheckpoints({ ...PLAIN, rewriteAfter }, memory));
      const system = buildCheckpoints({ ...PLAIN, rewriteAfter }, new FileSink(path));
      watch(system);
      expect(readFileSync(path).equals(memory.bytes)).toBe(true);
      expect(resultOf(system).fileBytes).toBe(memory.bytes.length);
    }
    expect(readdirSync(directory).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("leaves the file before it until the first commit", () => {
    const path = inside("earlier");
    writeFileSync(path, MAGIC);
    const sink = new FileSink(path, { force: true });
    sink.begin(0);
    sink.write(Buffer.from("new"));
    expect(readFileSync(path)).toEqual(MAGIC);
    sink.abandon();
    expect(readFileSync(path)).toEqual(MAGIC);
    sink.begin(0);
    sink.write(Buffer.from("newer"));
    sink.commit();
    expect(readFileSync(path, "utf8")).toBe("newer");
  });

  it("cuts off what was not committed", () => {
    const path = inside("cut");
    const sink = new FileSink(path);
    sink.begin(0);
    sink.write(Buffer.from("abc"));
    sink.commit();
    sink.begin(3);
    sink.write(Buffer.from("torn"));
    expect(readFileSync(path, "utf8")).toBe("abctorn");
    sink.abandon();
    expect(readFileSync(path, "utf8")).toBe("abc");
    sink.begin(3);
    sink.write(Buffer.from("torn"));
    // A process that ended here leaves the rest; the next to go on from byte 3 removes it.
    const next = new FileSink(inside("other"));
    expect(existsSync(inside("other"))).toBe(false);
    next.abandon();
    sink.begin(3);
    sink.write(Buffer.from("d"));
    sink.commit();
    expect(readFileSync(path, "utf8")).toBe("abcd");
  });

  it("says what is wrong with the disk", () => {
    const lost = inside("lost");
    const sink = new FileSink(lost);
    sink.begin(0);
    sink.write(MAGIC);
    sink.commit();
    truncateSync(lost, 2);
    expect(() => sink.begin(8)).toThrow(SinkError);
    expect(() => sink.begin(8)).toThrow(`${lost}: is shorter than the 8 bytes`);
    const nowhere = () => new FileSink(inside("no/such/place"));
    expect(nowhere).toThrow(
      `${inside("no/such/place")}: cannot be written: no such file or directory`,
    );
  });

  it("replaces nothing unless that was said, and then only a plain file", () => {
    const text = inside("text");
    writeFileSync(text, "my only copy");
    expect(() => new FileSink(text)).toThrow(UserError);
    mkdirSync(inside("folder"));
    expect(() => new FileSink(inside("folder"))).toThrow(/choose another name/);
    expect(() => new FileSink(inside("folder"), { force: true })).toThrow(/choose another name/);
    expect(() => new FileSink(text, { force: true })).not.toThrow();
    expect(readFileSync(text, "utf8")).toBe("my only copy");
  });
});
