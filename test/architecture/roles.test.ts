/** Who an actor is, is data (src/system/roles.ts): nothing reads it out of a name. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildLoaded, loadScenario } from "../../src/runs/scenarioFile.ts";
import { actorName, roleInLog } from "../../src/system/roles.ts";
import { runnableScenarios } from "../runnableScenarios.ts";

const root = join(import.meta.dirname, "..", "..");
/** Makes names of roles, and, for logs, which hold names alone, roles of names. */
const MAKES_NAMES = join("src", "system", "roles.ts");

const KINDS = "toolstack|scheduler|operator|mmu|dispatcher|tracker|pml|prl|pager|balloon|estimator";
const READS_NAMES: readonly RegExp[] = [
  // A pattern for names.
  /(^|[\s(=,])\/[^/\n`]*(pcpu|vcpu|pvm|vm)[^/\n`]*(\\\/[^/\n`]*)*\/\w*[.;,)]/,
  new RegExp(`(^|[\\s(=,])/[^\\n\`]*\\\\/(${KINDS})\\b[^\\n\`]*/[.)]`),
  // A piece of one.
  new RegExp(
    `\\.(startsWith|endsWith|includes|indexOf)\\(\\s*"(/?(${KINDS})|p?vcpu|pcpu|pvm|vm)\\b`,
  ),
  /\.split\("(\/| -> )"\)\[/,
  // One by its whole name, where its role is at hand.
  new RegExp(`\\b(name|actor|from|to)\\s*[!=]==\\s*"(${KINDS})"`),
  new RegExp(`"(${KINDS})"\\s*[!=]==\\s*\\b(name|actor|from|to)\\b`),
];

function sources(): { readonly file: string; readonly text: string }[] {
  return ["src", "machines"]
    .flatMap((directory) =>
      readdirSync(join(root, directory), { recursive: true, encoding: "utf8" }).map((file) =>
        join(directory, file),
      ),
    )
    .filter((file) => /\.tsx?$/.test(file) && file !== MAKES_NAMES)
    .map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));
}

const offences = (file: string, text: string): string[] =>
  text
    .split("\n")
    .flatMap((line, at) =>
      /^\s*(\/\/|\/?\*)/.test(line) || !READS_NAMES.some((pattern) => pattern.test(line))
        ? []
        : [`${file}:${at + 1}: ${line.trim()}`],
    );

describe("roles of actors", () => {
  it("are read out of no name", () => {
    const all = sources();
    expect(all.length).toBeGreaterThan(300);
    expect(all.flatMap(({ file, text }) => offences(file, text))).toEqual([]);
  });

  it("are in a log what they were in its system", () => {
    for (const name of runnableScenarios()) {
      const system = buildLoaded(loadScenario(name));
      const vms = system.world.vcpus.map(({ vm }) => vm);
      for (const { role } of system.actors) expect(roleInLog(actorName(role), vms)).toEqual(role);
    }
  });

  it.each([
    "const mmu = /^pcpu(\\d+)\\/mmu$/.exec(name);",
    "const VCPU = /^vcpu\\d+$/;",
    "actors.filter(({ name }) => /\\/tracker$/.test(name))",
    'if (name.endsWith("/mmu")) return;',
    'const isVcpu = actor.startsWith("vcpu");',
    'const cpu = to.split("/")[0];',
    'if (actor === "pager") return null;',
  ])("the check sees %j", (line) => {
    expect(offences("planted.ts", line)).toHaveLength(1);
  });
});
