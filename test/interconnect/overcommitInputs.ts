/** The machines of an overcommitted host, for machineInputs.ts. */
import { balloonMachine } from "../../machines/balloon.ts";
import { overcommitmentMachine } from "../../machines/overcommitment.ts";
import { pagerMachine } from "../../machines/pager.ts";
import type { MachineCase, Payload } from "./machineCase.ts";

const none: Payload = () => ({});

export const overcommitCases: Readonly<Record<string, MachineCase>> = {
  pager: {
    machine: pagerMachine,
    input: { self: 1, scheduler: 2, dispatchers: [3, 4], balloons: [5, 6] },
    events: {
      pageFault: (n) => ({ vm: n % 2, vcpu: n % 3, page: n, dispatcher: 3 + (n % 2) }),
      giveBack: (n) => ({ vm: n % 2, pages: n }),
      pageArrived: (n) => ({ vm: n % 2, page: n, frame: 7 }),
      pagesWritten: (n) => ({ count: n }),
      inveptDone: none,
      paged: (n) => ({
        cycles: n,
        answer: n % 2 === 0 ? null : { dispatcher: 3, waits: n % 3 === 0 },
        flush: [[], [0], [0, 1]][n % 3],
        arrivals: n % 5 === 0 ? [{ vm: 0, page: n, frame: 9, delay: 20 }] : [],
        writes: n % 4 === 0 ? { count: n, delay: 30 } : null,
        woken: n % 7 === 0 ? [1] : [],
        gaveBack: n % 6 === 0 ? [{ vm: 1, surplus: n, stuck: false }] : [],
      }),
    },
    ways: [
      [
        ["paged", 1],
        ["inveptDone", 0],
        ["inveptDone", 0],
        ["paged", 2],
      ],
    ],
  },
  balloon: {
    machine: balloonMachine,
    input: { vm: 1, self: 1, pager: 2, chunkPages: 4, pageCycles: 10 },
    events: {
      setTarget: (n) => ({ pages: n }),
      targetSet: (n) => ({ surplus: n % 3 === 0 ? 0 : n }),
      inflateDue: none,
      gaveBack: (n) => ({ surplus: n % 4, stuck: n % 5 === 0 }),
    },
  },
  overcommitment: {
    machine: overcommitmentMachine,
    input: {
      self: 1,
      scheduler: 2,
      estimators: [5, 6],
      balloons: [7, 8],
      pvmCpu: 9,
      intervalCycles: 100,
      decisionCycles: 10,
      deadlineCycles: 900,
    },
    events: {
      begin: none,
      estimatorReady: (n) => ({ vm: n % 2 }),
      controlDue: none,
      computed: none,
      estimate: (n) => ({ vm: n % 2, pages: n }),
      deadline: none,
      vmHalted: (n) => ({ vm: n % 2 }),
      estimationEnded: (n) => ({ vm: n % 2 }),
      started: none,
      haltNoted: none,
      decided: (n) => ({ point: { time: n, freeFrames: 0, vms: [{ target: n }, { target: 2 }] } }),
      ended: (n) => ({ point: { time: n, freeFrames: 0, vms: [] } }),
    },
    ways: [
      [
        ["begin", 0],
        ["estimatorReady", 0],
        ["estimatorReady", 1],
        ["controlDue", 0],
        ["computed", 0],
        ["decided", 3],
      ],
    ],
  },
};
