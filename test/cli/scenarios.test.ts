/** `trackvisor scenarios`: what is shipped is listed, shown, and copied to be changed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Scratch } from "./command.ts";

const scratch = new Scratch();
const DIRECTORY = join(import.meta.dirname, "..", "..", "workloads", "scenarios");

afterAll(() => scratch.remove());

describe("trackvisor scenarios", { timeout: 60_000 }, () => {
  it("lists all, each with its title", async () => {
    const { out, code } = await scratch.run(["scenarios"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^sort-pml +sort under PML$/m);
  });

  it("copies one byte for byte, where it runs as the shipped one does", async () => {
    const { code } = await scratch.run(["scenarios", "copy", "sort-prl", "mine.yaml"]);
    expect(code).toBe(0);
    const shipped = readFileSync(join(DIRECTORY, "sort-prl.yaml"), "utf8");
    expect(readFileSync(scratch.path("mine.yaml"), "utf8")).toBe(shipped);
    const words = ["--until", "1ms", "--json"];
    const mine = await scratch.run(["run", "mine.yaml", ...words]);
    expect(mine.err).toBe("");
    expect(mine).toEqual(await scratch.run(["run", "sort-prl", ...words]));
  });

  it("replaces no file unasked, and names the nearest scenario", async () => {
    scratch.write("sort-pml.yaml", "mine");
    const { code, err } = await scratch.run(["scenarios", "copy", "sort-pml"]);
    expect(code).toBe(2);
    expect(err).toMatch(/^trackvisor: .*--force/);
    expect(readFileSync(scratch.path("sort-pml.yaml"), "utf8")).toBe("mine");
    const unknown = await scratch.run(["scenarios", "copy", "sort-plm"]);
    expect(unknown.code).toBe(2);
    expect(unknown.err).toContain('did you mean "sort-pml"?');
  });
});
