import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { check, rules } from "./rules.ts";

const root = join(import.meta.dirname, "..", "..");
// All modules are read; a machine that has much else to do takes minutes.
const TIMEOUT = 600_000;

it("every import goes down, and none goes round", { timeout: TIMEOUT }, async () => {
  const { violations, modules } = await check(root, ["src", "machines", "workloads"]);
  expect(violations).toEqual([]);
  expect(modules).toBeGreaterThan(100);
});

/** File, what it imports, and the rule that must fire. */
const planted: readonly (readonly [string, string, string])[] = [
  ["src/hardware/a.ts", "../hypervisor/x.ts", "src/hardware: only from below"],
  ["src/hardware/b.ts", "../errors.ts", "src/hardware: on its own"],
  ["src/hardware/c.ts", "node:fs", "src/hardware: on its own"],
  ["src/hardware/d.ts", "xstate", "src/hardware: on its own"],
  ["src/units/a.ts", "../interconnect/x.ts", "src/units: only from below"],
  ["workloads/a.ts", "../src/interconnect/x.ts", "workloads: only from below"],
  ["src/interconnect/a.ts", "../hypervisor/x.ts", "src/interconnect: only from below"],
  ["src/interconnect/b.ts", "node:fs", "src/interconnect: RxJS"],
  ["src/hypervisor/a.ts", "../system/x.ts", "src/hypervisor: only from below"],
  ["src/hypervisor/b.ts", "../../machines/x.ts", "src/hypervisor: only from below"],
  ["machines/a.ts", "../src/system/x.ts", "machines: only from below"],
  ["machines/b.ts", "node:fs", "machines: no I/O"],
  ["machines/c.ts", "rxjs", "machines: no I/O"],
  ["machines/d.ts", "../src/hypervisor/x.ts", "machines: no memory"],
  ["machines/e.ts", "../src/hardware/x.ts", "machines: no memory"],
  ["src/system/a.ts", "../cli/x.ts", "src/system, src/litmus: only from below"],
  ["src/witness/a.ts", "../replay/x.ts", "src/witness: only from below"],
  ["src/replay/a.ts", "../check/x.ts", "src/replay: only from below"],
  ["src/check/a.ts", "../experiments/x.ts", "src/check: only from below"],
  ["src/runs/a.ts", "../experiments/x.ts", "src/runs: only from below"],
  ["src/shares/a.ts", "../experiments/x.ts", "src/shares: only from below"],
  ["src/queue/a.ts", "../experiments/x.ts", "src/queue: only from below"],
  ["src/cli/c.ts", "bullmq", "the queue's engine: by src/queue alone"],
  ["src/plots/a.ts", "../experiments/x.ts", "src/plots: only from below"],
  ["src/questions/a.ts", "../experiments/x.ts", "src/questions: only from below"],
  ["src/experiments/a.ts", "../tui/x.ts", "src/experiments: only from below"],
  ["src/session/a.ts", "../tui/x.ts", "src/session: only from below"],
  ["src/library/a.ts", "../cli/x.ts", "src/library: only from below"],
  ["src/session/b.ts", "../library/x.ts", "src/session: only from below"],
  ["src/tui/a.ts", "../cli/x.ts", "src/tui: only from below"],
  ["src/tui/b.ts", "../system/x.ts", "src/tui: no machine"],
  ["src/cli/b.ts", "node:fs", "files: by src/io alone"],
  ["workloads/b.ts", "fs/promises", "files: by src/io alone"],
  ["src/tui/c.ts", "node:child_process", "files: by src/io alone"],
  ["src/system/d.ts", "../io/outputFile.ts", "files: written by"],
  ["src/replay/b.ts", "./logFile.ts", "files: written by"],
  ["src/config/a.ts", "../system/x.ts", "leaves: use nobody"],
  ["src/system/b.ts", "../../test/x.ts", "no tests in the program"],
  ["src/system/c.ts", "./missing.ts", "nothing missing"],
];

describe("the rules fire", { timeout: TIMEOUT }, async () => {
  const base = mkdtempSync(join(tmpdir(), "trackvisor-house-"));
  afterAll(() => rmSync(base, { recursive: true }));
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(base, file)), { recursive: true });
    writeFileSync(join(base, file), text);
  };
  symlinkSync(join(root, "node_modules"), join(base, "node_modules"));
  writeFileSync(join(base, "package.json"), '{ "type": "module" }');
  const rooms =
    "hardware interconnect hypervisor system replay check experiments session library tui cli";
  for (const room of rooms.split(" ")) write(`src/${room}/x.ts`, "export const x = 1;\n");
  for (const file of [
    ...["src/errors.ts", "machines/x.ts", "test/x.ts"],
    ...["src/io/outputFile.ts", "src/replay/logFile.ts"],
  ]) {
    write(file, "export const x = 1;\n");
  }
  for (const [file, target] of planted) write(file, `import * as y from "${target}";\ny;\n`);
  write("src/system/round1.ts", 'import { b } from "./round2.ts";\nexport const a = b;\n');
  write("src/system/round2.ts", 'import type { a } from "./round1.ts";\nexport let b: typeof a;\n');
  // These are right.
  write(
    "machines/f.ts",
    'import type { x } from "../src/hypervisor/x.ts";\nexport let y: typeof x;\n',
  );
  write("src/cli/a.ts", 'import { x } from "../system/x.ts";\nimport "../io/outputFile.ts";\nx;\n');
  write("src/io/a.ts", 'import "node:fs";\n');
  const { violations } = await check(base, ["src", "machines", "workloads"]);

  it.each(planted)("%s imports %s: %s", (file, _target, rule) => {
    expect(violations.some((text) => text.startsWith(rule) && text.includes(`: ${file} -> `))).toBe(
      true,
    );
  });

  it("on a cycle, though one of its imports is only of a type", () => {
    expect(violations.filter((text) => text.startsWith("no cycles"))).not.toEqual([]);
  });

  it("and on nothing that is right", () => {
    expect(
      violations.filter((text) => /machines\/f\.ts|src\/cli\/a\.ts|src\/io\/a\.ts/.test(text)),
    ).toEqual([]);
  });

  it("each of them", () => {
    for (const { name } of rules) {
      expect(
        violations.some((text) => text.startsWith(`${name}:`)),
        name,
      ).toBe(true);
    }
  });
});
