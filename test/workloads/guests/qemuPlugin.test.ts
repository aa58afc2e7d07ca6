/** The plugin for QEMU, built and run here: where QEMU or a compiler is missing, it is left out. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Scratch } from "../../../src/io/scratch.ts";
import { tvplugin } from "../../../workloads/trace/formats/tvplugin.ts";
import { Qemu } from "../../witness/migrations/qemu.ts";
import { readLog, WRITE } from "../formats/reading.ts";
import { buildKnown, canRun, MEMORY_PAGES, machineWith, NOTES, runKnown } from "./qemu/bare.ts";
import { KNOWN_RUNS } from "./qemu/known.ts";

const PAGE_BYTES = 4096;
/** What the program writes to the port that ends QEMU is 0x11; it ends with 2 n + 1. */
const ENDED = 0x23;
const physical = { addresses: "guestPhysical", lenient: false } as const;

describe.skipIf(!canRun)("the plugin for QEMU", () => {
  let scratch: Scratch;

  beforeAll(async () => {
    scratch = new Scratch();
    await buildKnown(scratch);
  });
  afterAll(() => scratch.remove());

  const notes = () => scratch.read(NOTES);
  const forget = () => rmSync(join(scratch.directory, NOTES), { force: true });

  it("notes of a program what it accesses, byte for byte as it did before", async () => {
    forget();
    const { code } = await runKnown(scratch, "begin=mark,command=known");
    expect(code).toBe(ENDED);
    expect(notes()).toEqual(readFileSync(join(import.meta.dirname, "qemu", "known.tvq")));
  });

  it("notes as many accesses as it was asked for, and not one more", async () => {
    forget();
    const { code } = await runKnown(scratch, "begin=mark,accesses=6");
    // The signal that ends it may come later than the program's end.
    expect([0, ENDED]).toContain(code);
    const { runs, notes: said } = readLog(tvplugin, [notes()], undefined, physical);
    expect(runs).toEqual(
      KNOWN_RUNS.slice(0, 4).map(({ page, kind, length }) => ({ page, kind, length })),
    );
    expect(said[2]).toBe("noting ended when as many accesses were noted as were asked for");
  });

  it("begins after a number of instructions", async () => {
    forget();
    const { code } = await runKnown(scratch, "begin=1000000,instructions=5000");
    expect([0, ENDED]).toContain(code);
    const [first, , reason] = readLog(tvplugin, [notes()], undefined, physical).notes;
    // At the end of a run of accesses: a loop without any is not looked into.
    expect(Number(first?.split(" ")[0]?.replace(",", ""))).toBeGreaterThanOrEqual(5000);
    expect(reason).toBe("noting ended when as many instructions were noted as were asked for");
  });

  it.each([
    ["begin=soon", "begin=soon: expected out=FILE, memory=BYTES"],
    ["memory=4294967296", "memory=4294967296: expected"],
    ["memory=100", "memory=100: expected"],
    ["accesses=-1", "accesses=-1: expected"],
    ["acesses=1", "acesses=1: expected"],
  ])("refuses %s, and QEMU does not start", async (option, message) => {
    forget();
    const { code, said } = await runKnown(scratch, option);
    expect(code).toBe(1);
    expect(said).toContain(`tvplugin: ${message}`);
    expect(existsSync(join(scratch.directory, NOTES))).toBe(false);
  });

  it("writes over no file that is there", async () => {
    scratch.write(NOTES, "mine");
    const { code, said } = await runKnown(scratch, "begin=mark");
    expect(code).toBe(1);
    expect(said).toContain(`tvplugin: ${NOTES}: File exists`);
    expect(notes().toString()).toBe("mine");
  });

  it("has noted as written each page that is not zero at the end, from the BIOS on", async () => {
    forget();
    const directory = mkdtempSync(join(tmpdir(), "trackvisor-qemu-"));
    const dump = join(directory, "memory");
    const options = [...machineWith(scratch, "check=on"), "-no-shutdown"];
    const qemu = await Qemu.start(options, join(directory, "socket"), scratch.directory);
    try {
      await vi.waitUntil(async () => (await qemu.ask("query-status"))["running"] === false, {
        timeout: 60_000,
      });
      await qemu.ask("pmemsave", { val: 0, size: MEMORY_PAGES * PAGE_BYTES, filename: dump });
      await qemu.quit();
      const memory = readFileSync(dump);
      const { runs } = readLog(tvplugin, [notes()], undefined, physical);
      const written = new Set(runs.filter(({ kind }) => kind === WRITE).map(({ page }) => page));
      const full = Array.from({ length: MEMORY_PAGES }, (_, page) => page).filter((page) =>
        memory.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES).some((byte) => byte !== 0),
      );
      expect(full.length).toBeGreaterThan(20);
      expect(full.filter((page) => !written.has(page))).toEqual([]);
    } finally {
      await qemu.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
