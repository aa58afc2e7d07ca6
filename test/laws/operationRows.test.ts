/** What holds for every operation: what it tells, what it plans, what it needs, what the operator may do. A new one is tested by being listed. */
import { describe, expect, it } from "vitest";
import { Problems } from "../../src/errors.ts";
import { MESSAGES } from "../../src/interconnect/messages.ts";
import { METRICS } from "../../src/questions/metrics.ts";
import { buildSystem } from "../../src/system/build.ts";
import { OPERATION_FAULTS } from "../../src/system/operation.ts";
import {
  configured,
  OPERATIONS,
  operationSchema,
  operatorSideOf,
  reportOf,
  toldOf,
} from "../../src/system/operations/all.ts";
import { linesOf } from "../../src/system/operations/telling.ts";
import { checkBudget } from "../../src/system/scenario/budget.ts";
import { resolveScenario } from "../../src/system/scenario/resolve.ts";
import type { Scenario } from "../../src/system/scenarioSchema.ts";
import { summarize } from "../../src/system/summary.ts";
import type { System } from "../../src/system/system.ts";
import { rowsOf, sampleOf, scenarioOf } from "./samples.ts";

const ROWS = new Map(rowsOf(operationSchema));
const TRUTH = { kind: "truth", interval: "300us" };
const GUEST = { kind: "uniform", pages: 60, writeFraction: 0.4, gap: 200 };

/** A run of the operation that ends. */
function smallest(kind: string, more: object = {}): Scenario {
  const row = ROWS.get(kind);
  if (row === undefined) throw new Error(`operation "${kind}" is listed, and has no schema`);
  const operation = {
    ...sampleOf(kind, row),
    ...(kind === "estimate" ? { estimator: TRUTH } : {}),
  };
  return scenarioOf({
    operation,
    vms: [{ memory: "2MiB", vcpus: 2, workload: GUEST }],
    until: "20ms",
    ...more,
  });
}

/** In the middle of its work, and at its end. */
const runs = new Map<string, System>();
function finished(kind: string): System {
  const known = runs.get(kind);
  if (known !== undefined) return known;
  const system = buildSystem(smallest(kind));
  system.run();
  runs.set(kind, system);
  return system;
}

it("lists each operation of the schema once, and no other", () => {
  expect(OPERATIONS.map(({ kind }) => kind)).toEqual([...ROWS.keys()]);
});

describe.each(OPERATIONS.map((one) => [one.kind, one] as const))(
  "operation %s",
  (kind, declared) => {
    it.each(["at its beginning", "at its end"])(
      "tells how far it is %s, in full tables",
      (when) => {
        const system = when === "at its end" ? finished(kind) : buildSystem(smallest(kind));
        const { headline, facts, charts, columns, rows } = toldOf(
          system.result(),
          system.operating.value,
        );
        expect(headline).toMatch(/^[^\n]{5,120}$/);
        for (const [label, value] of facts) expect(`${label} ${value}`).toMatch(/^\S.*\S$/);
        for (const row of rows) expect(row.length, row.join()).toBe(columns.length);
        for (const { title, x, series } of charts) {
          expect(x.values, title).toEqual([...x.values].sort((a, b) => a - b));
          for (const { name, values } of series) {
            expect(values.length, name).toBe(x.values.length);
            for (const value of values) if (value !== null) expect(value).toBeGreaterThanOrEqual(0);
          }
        }
        for (const line of linesOf({ headline, facts, charts, columns, rows })) {
          expect(line).not.toMatch(/\n|undefined|NaN/);
        }
      },
    );

    it("reports in lines without anything that is not known", () => {
      for (const line of reportOf(finished(kind).result())) {
        expect(line).not.toMatch(/undefined|NaN|Infinity/);
      }
    });

    it("has numbers that can be asked of its runs by name, and of no other operation's", () => {
      const summary = summarize(finished(kind));
      for (const { name } of declared.numbers) {
        const metric = METRICS.find((one) => one.name === name && one.operation === kind);
        if (metric === undefined || metric.of === "base") throw new Error(`${name} is no metric`);
        const value = metric.of(summary);
        if (value !== null) expect(Number.isFinite(value), name).toBe(true);
        const other = OPERATIONS.find(
          (one) => !one.isResult(summary.operation) && one !== declared,
        );
        if (other === undefined || kind === "session") continue;
        const foreign = { ...summary, operation: finished(other.kind).result() };
        if (foreign.operation.kind !== kind) {
          expect(
            declared.numbers.find((one) => one.name === name)?.of(foreign.operation),
          ).toBeNull();
        }
      }
    });

    it("is planned twice to the same, changes nothing in the scenario, and has nothing left to refuse", () => {
      const scenario = smallest(kind);
      const before = JSON.stringify(scenario);
      const plans = [resolveScenario(scenario), resolveScenario(scenario)].map(({ system }) =>
        JSON.stringify({ ...system, replace: null, world: { ...system.world, vms: [] } }),
      );
      expect(plans[0]).toBe(plans[1]);
      expect(JSON.stringify(scenario)).toBe(before);
      expect(() => buildSystem(scenario)).not.toThrow();
    });

    it("needs what it says: contents, an end of the run, frames of the host", () => {
      const scenario = smallest(kind);
      const { needsContents, endsByItself, hostFrames } = configured(scenario.operation, []);
      const plan = resolveScenario(scenario);
      expect(plan.system.world.vms.every(({ keepVersions }) => keepVersions)).toBe(needsContents);
      const endless = (): unknown => resolveScenario({ ...scenario, until: undefined });
      if (endsByItself) expect(endless).not.toThrow();
      else expect(endless).toThrow(/its workload never ends/);
      const problems = new Problems();
      checkBudget(plan, 1, problems);
      const paths = problems.found.map(({ path }) => path.join("."));
      expect(paths).toContain("vms");
      expect(paths.includes("operation.memory")).toBe(hostFrames !== null);
    });

    it("has the planted faults that are its own, and refuses the others", () => {
      const operatorDecides = configured(smallest(kind).operation, []).operatorDecides;
      for (const fault of OPERATION_FAULTS) {
        const planned = (): unknown => resolveScenario(smallest(kind, { faults: [fault] }));
        if (operatorDecides) expect(planned).not.toThrow();
        else if (declared.faults.includes(fault)) {
          const lacks = configured(smallest(kind).operation, []).faultLacks(fault);
          if (lacks === null) expect(planned).not.toThrow();
          else expect(planned).toThrow(`"${fault}" can do nothing here: it needs ${lacks}`);
        } else expect(planned).toThrow(/can do nothing here: it needs operation/);
      }
    });

    it("answers the operator in every state of its machine: by a message that there is, or by a sentence", () => {
      const system = buildSystem(smallest(kind));
      const { machine } = system.actor("toolstack");
      const { side, view } = operatorSideOf(system);
      for (const state of Object.keys(machine.config.states ?? {})) {
        const now = { ...view, state };
        const names = side.startable.length === 0 ? [""] : side.startable;
        for (const answer of [side.end(now), ...names.map((name) => side.start(now, name))]) {
          if ("refusal" in answer) expect(answer.refusal).toMatch(/^[a-z].{10,}$/);
          else {
            expect(Object.keys(MESSAGES)).toContain(answer.message.type);
            expect(machine.events).toContain(answer.message.type);
            expect(answer.said).toMatch(/^\S.{5,}$/);
          }
        }
        expect(side.owner(now) ?? "the measurement").toMatch(/^the /);
      }
    });
  },
);
