/** Every list of parts has laws: it is named in test/laws, so that a new row is tested by being listed. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..");

function filesOf(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(directory, file))
    .sort();
}

/** A list of things that are declared: an exported constant in capitals, of an interface's objects. */
const LIST = /^export const ([A-Z][A-Z_]*): readonly ([A-Z]\w*)\[\]/gm;

/** Lists that are no registries, and why. */
const OTHERS: Readonly<Record<string, string>> = {
  "src/check/callModels.ts: CALLS": "a part of MODELS",
  "src/check/operationModels.ts: OPERATIONS": "a part of MODELS",
  "src/check/trackingEntries.ts: ENTRIES": "a part of MODELS",
  "src/check/trackingModels.ts: TRACKING": "a part of MODELS",
  "src/hardware/counters.ts: COUNTERS": "the names of a record",
  "src/hypervisor/trackedVm.ts: TRACKER_FAULTS": "words of a scenario; planted ones are MUTATIONS",
  "src/system/scenario/rules.ts: RULES": "rules of scenarios, each with its tests in test/system",
  "src/tui/arrangeCommands.ts: ARRANGE_COMMANDS": "a part of COMMANDS",
  "src/tui/themes.ts: THEME_NAMES": "the names of a record",
  "src/units/all.ts: FIXED_UNITS": "a part of UNITS",
  "src/units/all.ts: UNIT_FAULTS": "derived from UNITS",
  "src/units/all.ts: WRITE_LOGS": "derived from UNITS",
  "src/units/messages.ts: STOPPING_MESSAGES": "derived from UNITS",
  "src/witness/explained.ts: RULES": "why implementations differ: test/witness",
  "src/witness/explainedNested.ts: QEMU_RULES": "the same, of nested paging",
  "src/witness/explainedNested.ts: RYZEN_RULES": "the same, of nested paging",
  "src/witness/vmcsFields.ts: CONSTANT_FIELDS": "what a real machine needs: test/witness",
  "workloads/guests/tap/memoryOpcodes.ts: MEMORY_INSTRUCTIONS":
    "an instruction set: test/workloads",
  "workloads/guests/tap/memoryOpcodes.ts: STORED_TYPES": "types of an instruction set",
};

const lists = ["src", "machines", "workloads"].flatMap(filesOf).flatMap((file) => {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(LIST)].map(([, name = ""]) => ({ file, name }));
});
const laws = filesOf("test/laws").map((file) => readFileSync(join(root, file), "utf8"));

/** Whether a law imports this list from this file. */
function hasLaws({ file, name }: { readonly file: string; readonly name: string }): boolean {
  const imported = new RegExp(`import \\{[^}]*\\b${name}\\b[^}]*\\} from "\\.\\./\\.\\./${file}"`);
  return laws.some((text) => imported.test(text));
}

it("each exported list is held to laws in test/laws, or is said to be no registry", () => {
  const without = lists.filter((one) => !hasLaws(one)).map(({ file, name }) => `${file}: ${name}`);
  expect(without.filter((one) => !Object.hasOwn(OTHERS, one))).toEqual([]);
});

it("what is said to be none is there, and has no laws", () => {
  const without = lists.filter((one) => !hasLaws(one)).map(({ file, name }) => `${file}: ${name}`);
  expect(Object.keys(OTHERS).filter((one) => !without.includes(one))).toEqual([]);
});

it("a list without laws is seen", () => {
  expect("export const THINGS: readonly Thing[] = [".match(LIST)).not.toBeNull();
  expect(hasLaws({ file: "src/things.ts", name: "THINGS" })).toBe(false);
});

it("no file names a path that a reader of this repository does not have", () => {
  const all = ["src", "machines", "workloads", "test", "docs"].flatMap((directory) =>
    readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
      .filter((file) => /\.(tsx?|md|ya?ml)$/.test(file))
      .map((file) => join(directory, file)),
  );
  const place = ["shared", "manual"].join("/");
  expect(all.filter((file) => readFileSync(join(root, file), "utf8").includes(place))).toEqual([]);
});
