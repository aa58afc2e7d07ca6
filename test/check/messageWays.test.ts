/** In every model messages go from those, and to those, whom the table names (test/interconnect/messages.test.ts: in runs). */
import { expect, it } from "vitest";
import { buildModel, buildTargetSystem, MODELS } from "../../src/check/catalogue.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import { goesBetween } from "../../src/interconnect/messageRow.ts";
import { rowOf } from "../../src/interconnect/messages.ts";
import { type ActorRole, partyOf } from "../../src/system/roles.ts";

const STATES = 500;
const targets = MODELS.map(({ name }) => ({ model: name, set: {}, mutation: null }));
const ofSystems = targets.filter((target) => buildTargetSystem(target) !== null);

it.each(ofSystems)("$model", (target) => {
  const model = buildModel(target);
  new Exploration(model, { keepGoing: true, bounds: { states: STATES } }).run();
  const roles = new Map<string, ActorRole>(
    buildTargetSystem(target)!.actors.map((actor) => [actor.name, actor.role]),
  );
  const wrong: string[] = [];
  let seen = 0;
  for (const channel of model.channels) {
    if (channel === null) continue;
    const [from = "", rest = ""] = channel.name.split(" -> ");
    const [to = ""] = rest.split(", ");
    const [sender, receiver] = [from, to].map((one) => {
      const role = roles.get(one);
      return role === undefined ? ("system" as const) : partyOf(role);
    });
    for (const message of new Set(channel.values.flat())) {
      const { type } = model.messages.values[message]!;
      seen++;
      if (goesBetween(rowOf(type)!, sender!, receiver!)) continue;
      wrong.push(`${type}: ${from} to ${to}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(seen).toBeGreaterThan(10);
});

it("a sender or a receiver whom the row does not name is told", () => {
  const [kick, deadline] = [rowOf("kick")!, rowOf("deadline")!];
  expect(goesBetween(kick, "dispatcher", "mmu")).toBe(true);
  expect(goesBetween(kick, "vcpu", "mmu")).toBe(false);
  expect(goesBetween(kick, "dispatcher", "vcpu")).toBe(false);
  expect(goesBetween(deadline, "tracker", "toolstack")).toBe(false);
  expect(goesBetween(rowOf("jobDue")!, "pvmCpu", "tracker")).toBe(false);
});
