/**
 * A Linux of 64 bits under QEMU with the plugin, from its boot to what trackers say of its command. Booting takes 10 s of
 * processor time, and fetching the kernel 13 s where it is not there yet; so it is done once, and where there is time.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { UserError } from "../../../src/errors.ts";
import { Scratch } from "../../../src/io/scratch.ts";
import { runScenario } from "../../../src/library/index.ts";
import { keptLinux64 } from "../../../workloads/guests/qemu/image.ts";
import { missing } from "../../../workloads/guests/qemu/plugin.ts";
import { runLinux64 } from "../../../workloads/guests/qemu/record.ts";
import { importLog } from "../../../workloads/trace/import.ts";
import { scanTrace } from "../../../workloads/trace/scan.ts";
import { IS_LONG } from "../../share.ts";
import { scratchDirectory } from "../traceHelpers.ts";

const TIMEOUT = 600_000;
const MIB = 1 << 20;
const MEMORY_PAGES = 128 * 256;
/** Pages of a file that the command writes. */
const FILE_PAGES = 256;

function hasImage(): boolean {
  try {
    keptLinux64();
    return true;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return false;
  }
}

function isPrepared(): boolean {
  if (!IS_LONG || missing() !== undefined) return false;
  if (!hasImage()) {
    spawnSync(process.execPath, ["dist/src/cli/main.js", "guest", "prepare", "linux64"]);
  }
  return hasImage();
}

describe.skipIf(!isPrepared())("a Linux of 64 bits (trackvisor guest prepare linux64)", () => {
  const directory = scratchDirectory();

  it("comes to the right result, and what it writes is in its trace, and found", {
    timeout: TIMEOUT,
  }, async () => {
    const given = join(directory, "given.txt");
    writeFileSync(given, "from here\n");
    const scratch = new Scratch();
    try {
      const { notes, console, exitCode } = await runLinux64(scratch, {
        files: [given],
        command: `cat given.txt; dd if=/dev/zero of=x bs=64k count=16 2>/dev/null; md5sum < x; exit 3`,
        memory: MEMORY_PAGES,
        boot: false,
        seed: 1,
        checks: true,
      });
      const sum = createHash("md5").update(Buffer.alloc(MIB)).digest("hex");
      expect(Buffer.from(console).toString()).toBe(`from here\n${sum}  -\n`);
      expect(exitCode).toBe(3);

      const machine = join(directory, "machine.tvtrace");
      const gpa = join(directory, "gpa.tvtrace");
      const imported = await importLog(notes, machine);
      await importLog(notes, gpa, undefined, undefined, { guestPhysical: true });
      expect(imported.addresses).toBe("machine");
      expect(imported.command).toContain("cat given.txt");
      // Its file is in the guest's memory: at least so many pages are written.
      const { linearPages, pages } = scanTrace(gpa, "compact");
      expect(linearPages).toBeLessThanOrEqual(MEMORY_PAGES);
      for (const technique of ["pml", "prl"]) {
        const summary = await runScenario(machine, { set: { "tracker.technique": technique } });
        expect(summary.failures, technique).toEqual([]);
        expect(summary.truth.pagesTouched, technique).toBe(pages);
        expect(summary.truth.pagesWritten, technique).toBeGreaterThan(FILE_PAGES);
        const { pagesWritten, pagesTouched } = summary.reported;
        if (technique === "prl") {
          // What came while its log was full and nobody had been told yet.
          expect(pagesTouched).toBeGreaterThanOrEqual(pages - summary.missedGpas);
        } else expect(pagesWritten, technique).toBe(summary.truth.pagesWritten);
      }
    } finally {
      scratch.remove();
    }
  });
});
