/**
 * The toolstack in the pVM while working-set sizes are estimated: has each VM's estimator arm its
 * tracker, starts the VMs, and at the end lets the estimators finish. Meanwhile it looks at an interval
 * how busy the pVM's CPUs were.
 *
 *   state     | event                 | next      | emits
 *   ----------|-----------------------|-----------|------------------------------------------
 *   created   | begin                 | preparing | prepareEstimation to every estimator
 *   preparing | estimatorReady        | preparing | -
 *   preparing | estimatorReady, last  | running   | startVm, watchVm for every VM; timers
 *   preparing | estimatorReady, last, ending | ending | endEstimation to every estimator; the VMs never ran
 *   running   | loadDue               | running   | loadQuery to every pVM CPU; loadDue to itself
 *   running   | deadline              | ending    | endEstimation to every estimator
 *   running   | vmHalted              | running   | -
 *   running   | vmHalted, last        | ending    | endEstimation to every estimator
 *   ending    | estimationEnded       | ending    | -
 *   ending    | estimationEnded, last | done      | -
 *   any       | loadReport, estimate  | -         | -
 *   any       | deadline              | -         | -: noted: ending
 *   ending, done | loadDue            | -         | ignored: nobody looks any more
 */
import { assign, emit, setup } from "xstate";
import {
  type SendAllEmission,
  type SendEmission,
  send,
  sendAll,
} from "../src/interconnect/emissions.ts";
import * as kind from "../src/interconnect/fields.ts";
import { grownBy } from "../src/interconnect/growingList.ts";
import { ignored } from "../src/interconnect/ignored.ts";
import { machineTypes } from "../src/interconnect/machineTypes.ts";
import type { Message } from "../src/interconnect/messages.ts";

/** What it is set up with. */
export const estimationInput = {
  self: kind.actor,
  scheduler: kind.actor,
  estimators: kind.listBy("vm", kind.actor),
  pvmCpus: kind.list(kind.actor),
  // Cycles between two looks at the pVM's CPUs.
  loadCycles: kind.cycles,
  // Cycles after which the run ends; 0 = when the workloads do.
  deadlineCycles: kind.cycles,
} as const satisfies kind.Fields;
export type EstimationInput = kind.Values<typeof estimationInput>;

const loadReport = {
  look: kind.count,
  cpu: kind.actor,
  handlerCycles: kind.cycles,
  jobCycles: kind.cycles,
} as const satisfies kind.Fields;
/** What a pVM CPU had done since the start, at look number `look` (from 1). */
export type LoadReport = kind.Values<typeof loadReport>;

/** What its state holds besides its input. */
export const estimationFields = {
  // Answers still missing in the present step.
  missing: kind.count,
  halted: kind.count,
  // The time was up before the VMs could run.
  ending: kind.flag,
  looks: kind.statistic(kind.count),
  // In pieces: there may be as many as looks and CPUs.
  loads: kind.statistic(kind.list(kind.list(kind.record(loadReport)))),
  // The newest estimate of each VM, in pages; -1 before the first.
  estimates: kind.statistic(kind.listBy("vm", kind.countOrNone)),
} as const satisfies kind.Fields;

export interface EstimationContext extends EstimationInput, kind.Values<typeof estimationFields> {}

type EstimationEvent = Extract<
  Message,
  {
    type:
      | "begin"
      | "estimatorReady"
      | "loadDue"
      | "loadReport"
      | "estimate"
      | "deadline"
      | "vmHalted"
      | "estimationEnded";
  }
>;

const { types, on } = machineTypes<
  EstimationContext,
  EstimationEvent,
  EstimationInput,
  SendEmission | SendAllEmission
>();

export const estimationMachine = setup({
  types,
  actions: {
    expectAll: assign({ missing: ({ context }) => context.estimators.length }),
    noteAnswer: assign({ missing: ({ context }) => context.missing - 1 }),
    noteHalted: assign({ halted: ({ context }) => context.halted + 1 }),
    noteEnding: assign({ ending: true }),
    noteLook: assign({ looks: ({ context }) => context.looks + 1 }),
    noteLoad: assign({
      loads: on("loadReport", ({ context, event: { cpu, handlerCycles, jobCycles } }) =>
        grownBy(context.loads, { look: context.looks, cpu, handlerCycles, jobCycles }),
      ),
    }),
    noteEstimate: assign({
      estimates: on("estimate", ({ context, event: { vm, pages } }) =>
        context.estimates.with(vm, pages),
      ),
    }),
    sendPrepares: emit(({ context }) => {
      const message = { type: "prepareEstimation", requester: context.self } as const;
      return sendAll(context.estimators.map((estimator) => send(estimator, message)));
    }),
    sendStarts: emit(({ context }) => {
      const { estimators, scheduler, self, deadlineCycles, loadCycles } = context;
      return sendAll([
        ...estimators.map((_, vm) => send(scheduler, { type: "startVm", vm })),
        ...estimators.map((estimator) => send(estimator, { type: "watchVm" })),
        ...(deadlineCycles > 0 ? [send(self, { type: "deadline" }, deadlineCycles)] : []),
        send(self, { type: "loadDue" }, loadCycles),
      ]);
    }),
    sendQueries: emit(({ context }) => {
      const { pvmCpus, self, loadCycles } = context;
      const query = { type: "loadQuery", requester: self } as const;
      return sendAll([
        ...pvmCpus.map((cpu) => send(cpu, query)),
        send(self, { type: "loadDue" }, loadCycles),
      ]);
    }),
    sendEnds: emit(({ context }) =>
      sendAll(context.estimators.map((estimator) => send(estimator, { type: "endEstimation" }))),
    ),
  },
  guards: {
    isLast: ({ context }) => context.missing === 1,
    isLastOfAll: ({ context }) => context.missing === 1 && context.ending,
    allHalted: ({ context }) => context.halted + 1 === context.estimators.length,
  },
}).createMachine({
  id: "estimation",
  context: ({ input }) => ({
    ...input,
    missing: 0,
    halted: 0,
    ending: false,
    looks: 0,
    loads: [],
    estimates: input.estimators.map(() => -1),
  }),
  initial: "created",
  on: {
    loadReport: { actions: "noteLoad" },
    estimate: { actions: "noteEstimate" },
    vmHalted: { actions: "noteHalted" },
    deadline: { actions: "noteEnding" },
  },
  states: {
    created: {
      on: { begin: { target: "preparing", actions: ["expectAll", "sendPrepares"] } },
    },
    preparing: {
      on: {
        estimatorReady: [
          { guard: "isLastOfAll", target: "ending", actions: ["expectAll", "sendEnds"] },
          { guard: "isLast", target: "running", actions: ["noteAnswer", "sendStarts"] },
          { actions: "noteAnswer" },
        ],
      },
    },
    running: {
      on: {
        loadDue: { actions: ["noteLook", "sendQueries"] },
        deadline: { target: "ending", actions: ["expectAll", "sendEnds"] },
        vmHalted: [
          {
            guard: "allHalted",
            target: "ending",
            actions: ["noteHalted", "expectAll", "sendEnds"],
          },
          { actions: "noteHalted" },
        ],
      },
    },
    ending: {
      on: {
        loadDue: ignored("nobody looks any more"),
        estimationEnded: [
          { guard: "isLast", target: "done", actions: "noteAnswer" },
          { actions: "noteAnswer" },
        ],
      },
    },
    done: {
      on: { loadDue: ignored("nobody looks any more") },
    },
  },
});
