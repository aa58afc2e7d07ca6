/** A few of the random scenarios that `npm run soak` runs by the thousand, and the soak itself. */
import { describe, expect, it } from "vitest";
import { TECHNIQUES } from "../../src/hypervisor/techniques/all.ts";
import { operationSchema } from "../../src/system/operations/all.ts";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import { workloadSchema } from "../../workloads/workloadKinds.ts";
import { caseOf, type SoakCase } from "./generator.ts";
import { shrinkCase } from "./shrink.ts";
import { tryCase } from "./trial.ts";

const CASES = 12;
const SEED = 20;

it.each(Array.from({ length: CASES }, (_, number) => number))(
  "random scenario %i: nothing is lost, time is conserved, and it is repeated byte for byte",
  (number) => {
    expect(tryCase(caseOf(SEED, number)).problems).toEqual([]);
  },
);

it("a saved run goes on with the controls that its processors have loaded, not with those in the VMCS since", () => {
  // An estimator takes PRL off while its guest runs: until the guest enters again, its processor logs on.
  expect(tryCase(caseOf(1, 1490)).problems).toEqual([]);
});

describe("the generator", () => {
  const cases = Array.from({ length: 600 }, (_, number) => caseOf(SEED, number));

  it("makes the same case of the same seed and number", () => {
    expect(caseOf(SEED, 3)).toEqual(cases[3]);
    expect(caseOf(SEED + 1, 3)).not.toEqual(cases[3]);
  });

  it("writes scenarios as a user may, with every operation, technique and generated workload", () => {
    const seen = new Set<string>();
    for (const { scenario } of cases) {
      const { operation, tracker, vms } = scenarioSchema.parse(scenario);
      seen.add(operation.kind).add(tracker.technique);
      for (const { workload } of vms) seen.add(workload.kind);
    }
    const kindsOf = (options: readonly { readonly shape: { kind: { value: string } } }[]) =>
      options.map(({ shape }) => shape.kind.value);
    // Traces, PARSEC's programs and guests are long, and no more random for it.
    const workloads = kindsOf(workloadSchema.options).filter(
      (kind) => !["trace", "parsec", "wasm", "linux"].includes(kind),
    );
    const all = [...kindsOf(operationSchema.options), ...TECHNIQUES, ...workloads];
    expect([...seen].sort()).toEqual(expect.arrayContaining(all));
  });
});

describe("a trial", () => {
  const planted: SoakCase = {
    scenario: {
      name: "planted",
      machine: { cpus: 2, quantum: "10us" },
      vms: [1, 2].map(() => ({
        vcpus: 2,
        workload: { kind: "uniform", pages: 200, writeFraction: 0.5, gap: 300, accesses: 20_000 },
      })),
      tracker: { technique: "pml", ring: { source: "pml" } },
      operation: { kind: "measure", harvest: "300us" },
      faults: ["skipInvept"],
    },
    commands: [{ after: 40, name: "harvest", vm: 0, argument: "" }],
  };

  it("notices a planted loss, and the case is made small", () => {
    const { problems } = tryCase(planted);
    expect(problems[0]?.kind).toBe("lost");
    const small = shrinkCase(planted, "lost", 60);
    expect(tryCase(small).problems[0]?.kind).toBe("lost");
    expect(JSON.stringify(small).length).toBeLessThan(0.7 * JSON.stringify(planted).length);
  });

  it("takes a refusal in one sentence for what it is", () => {
    const scenario = {
      ...planted.scenario,
      operation: { kind: "migrate" },
      tracker: { technique: "prl" },
    };
    const { refusal, problems } = tryCase({ scenario, commands: [] });
    expect(refusal).toMatch(/cannot tell which pages were written/);
    expect(problems).toEqual([]);
  });
});
