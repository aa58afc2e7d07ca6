/**
 * Write protection, written a second time: in Promela, from the rules (writeProtection.pml). SPIN's count
 * of its states must be the checker's count of the machines' states, seen through `project`. What that
 * leaves out is what the rules do not speak of: addresses, and which VMCS a processor has loaded, which is
 * none before the first VM entry.
 */
import { expect, it } from "vitest";
import type { DispatcherContext } from "../../machines/dispatcher.ts";
import type { MmuContext } from "../../machines/mmu.ts";
import type { SchedulerContext } from "../../machines/scheduler.ts";
import type { ToolstackContext } from "../../machines/toolstack.ts";
import type { TrackerContext } from "../../machines/trackerContext.ts";
import { buildModel } from "../../src/check/catalogue.ts";
import { Exploration } from "../../src/check/engine/exploration.ts";
import { load } from "../../src/check/engine/explored.ts";
import { ACCESS_PAGE_SHIFT } from "../../src/hardware/accessLoop.ts";
import { EPT_WRITE } from "../../src/hardware/formats/ept.ts";
import type { Words } from "../../src/hardware/normalForm.ts";
import type { ActorSnapshot } from "../../src/system/actors.ts";
import { REASON, withVerifier } from "./spin.ts";

const PAGES = 2;

/** States of the Promela model. */
function spinStates(): number {
  const flags = ["-DSAFETY", "-DNOREDUCE"];
  const printed = withVerifier("writeProtection.pml", [], flags, (pan) => pan("-n", "-E"));
  return Number(/(\d+) states, stored/.exec(printed)?.[1]);
}

/** A state as the Promela model has it: one text for each of its vectors. */
function project(value: (slot: string) => unknown, channels: readonly string[]): string {
  const actor = <Context>(name: string) => {
    const { value: state, context } = value(name) as ActorSnapshot;
    return { state, context: context as Context };
  };
  const words = (name: string): Words => value(name) as Words;
  const bits = (word: number): string => (word & (2 ** PAGES - 1)).toString(2);
  const toolstack = actor<ToolstackContext>("toolstack");
  const { context: scheduler } = actor<SchedulerContext>("scheduler");
  const tracker = actor<TrackerContext>("vm0/tracker");
  const dispatcher = actor<DispatcherContext>("pcpu0/dispatcher");
  const mmu = actor<MmuContext>("pcpu0/mmu");
  const { words: paging = [] } = words("vm0/paging");
  const { dirty = [], handedOver = [] } = words("vm0/tracked");
  const { "l1.meta": cached = [] } = words("pcpu0/tlb");
  const pages = Array.from({ length: PAGES }, (_, page) => page);
  return JSON.stringify([
    [toolstack.state, toolstack.context.ending],
    [scheduler.cpus[0]!.vcpu, scheduler.waiting, scheduler.pausedBy[0]!.length],
    [tracker.state, tracker.state === "flushing" && tracker.context.answer.type],
    [dispatcher.state, dispatcher.context.leaving, dispatcher.context.invepts.length],
    actor("vcpu0").state,
    [
      mmu.state,
      mmu.context.kicked,
      words("vcpu0/vmcs")["access"]!.map((a) => a >> ACCESS_PAGE_SHIFT),
    ],
    pages.map((page) => [(paging[2 * page]! & EPT_WRITE) !== 0, cached[page] !== 0]),
    [bits(dirty[0] ?? 0), bits(handedOver[0] ?? 0), words("vm0/truth")["owed"]],
    channels,
  ]);
}

/** What waits in each channel, as types, with the exit reason and the page where there are any. */
function waiting(exploration: Exploration): string[] {
  const { model, expander } = exploration;
  return model.channels.flatMap((channel, slot) => {
    if (channel === null) return [];
    const texts = channel.values[expander.ids[slot]!]!.map((message) => {
      const { type, reason = "", page = "" } = model.messages.values[message]!;
      return `${type} ${reason} ${page}`;
    });
    if (texts.length === 0) return [];
    return [`${channel.name}: ${(channel.kind === "fifo" ? texts : texts.sort()).join(", ")}`];
  });
}

function projections(): Set<string> {
  const set = { pages: PAGES, reads: 0 };
  const exploration = new Exploration(
    buildModel({ model: "write-protection", set, mutation: null }),
  );
  expect(exploration.run()).toBe("complete");
  const { model, expander } = exploration;
  const slots = new Map(model.slots.map(({ name }, slot) => [name, slot]));
  const value = (name: string): unknown => {
    const slot = slots.get(name)!;
    return model.slots[slot]!.values[expander.ids[slot]!];
  };
  const found = new Set<string>();
  for (let state = 0; state < exploration.distinct; state++) {
    load(exploration, state);
    found.add(project(value, waiting(exploration)));
  }
  return found;
}

it.skipIf(REASON !== "")(
  `SPIN and the checker find as many states of write protection${REASON && ` (skipped: ${REASON})`}`,
  () => {
    expect(projections().size).toBe(spinStates());
  },
);
