/** Each technique tracks each kind of guest: no page that was written is left out. */
import { describe, expect, it } from "vitest";
import { TECHNIQUES } from "../../../src/hypervisor/techniques/all.ts";
import { runToEnd } from "../../../src/runs/runOrder.ts";
import { scenarioSchema } from "../../../src/system/scenarioSchema.ts";
import { IS_ALL } from "../../share.ts";

const GUESTS = [
  ["a C program", { module: "shipped:sort", args: ["300"] }],
  [
    "SQLite",
    {
      program: "sqlite",
      script: "create table t(a); insert into t values(1), (2); select sum(a) from t;",
    },
  ],
  ["PostgreSQL", { program: "postgres", script: "select sum(i) from generate_series(1, 100) i" }],
  ["QuickJS", { program: "quickjs", script: "[3, 1, 2].sort().join()" }],
] as const;
/** Of PostgreSQL's 28 million: it has filled its shared buffers by then. */
const FIRST = { accesses: 5_000_000 };

// The one under which it is run to its end comes first: so many recordings are kept.
const ORDER = ["pml", ...TECHNIQUES.filter((name) => name !== "pml")];

describe.each(ORDER)("%s tracks", (technique) => {
  it.each(GUESTS)("%s", (name, guest) => {
    const isWhole = name !== "PostgreSQL" || technique === "pml" || IS_ALL;
    const workload = { kind: "wasm", ...guest, ...(isWhole ? {} : FIRST) };
    const scenario = scenarioSchema.parse({
      name: "guest",
      vms: [{ workload }],
      tracker: { technique },
    });
    const { summary, broken } = runToEnd({ scenario, directory: "." });
    expect(broken).toBeNull();
    expect(summary.failures).toEqual([]);
    expect(summary.accesses).toBeGreaterThan(10_000);
    const { reported, truth } = summary;
    if (reported.pagesWritten !== null) expect(reported.pagesWritten).toBe(truth.pagesWritten);
  });
});
