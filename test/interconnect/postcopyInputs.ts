/** The machines of both hosts of post-copy, and a migration's way there, for machineInputs.ts. */
import { postcopyReceiverMachine } from "../../machines/postcopyReceiver.ts";
import { postcopySenderMachine } from "../../machines/postcopySender.ts";
import type { MachineCase, Payload, Way } from "./machineCase.ts";

const none: Payload = () => ({});

/** What a migration's machine hears of post-copy. */
export const postcopyEvents: Readonly<Record<string, Payload>> = {
  postcopyDue: none,
  packaged: (n) => ({ bytes: n * 16 }),
  packageArrived: none,
  switched: (n) => ({ now: n * 100_000_000, missing: n }),
  postcopyEnded: none,
  recoverDue: none,
};

const SWITCHED: Way = [
  ["begin", 0],
  ["migrationDue", 0],
  ["clock", 0],
  ["vmPaused", 0],
  ["armed", 0],
  ["postcopyDue", 0],
  ["queued", 5],
  ["vmPaused", 0],
  ["stepFinished", 0],
  ["harvested", 0],
  ["queued", 5],
  ["packaged", 2],
  ["packageArrived", 0],
  ["switched", 3],
];
export const POSTCOPY_WAYS: readonly Way[] = [
  [...SWITCHED, ["disarmed", 0], ["linkDown", 0], ["recoverDue", 0], ["postcopyEnded", 0]],
  [...SWITCHED, ["linkDown", 0], ["disarmed", 0], ["postcopyEnded", 0], ["compared", 0]],
];

export const postcopyCases: Readonly<Record<string, MachineCase>> = {
  postcopySender: {
    machine: postcopySenderMachine,
    input: {
      self: 1,
      receiver: 2,
      latencyCycles: 3,
      cyclesPerByte: 0.5,
      batchPages: 4,
      maxBandwidth: 81_920,
      preempt: false,
    },
    events: {
      startPostcopy: none,
      pageRequested: (n) => ({ page: n }),
      wireFree: (n) => ({ turn: n % 3 }),
      linkLost: none,
      linkBack: (n) => ({ link: 1 + (n % 2) }),
      receivedBitmap: (n) => ({ link: n % 2 }),
      taken: (n) => ({ now: n * 1000, pages: n % 4, bytes: 4104 * (n % 4), unlimited: n % 3 }),
      requested: (n) => ({ page: n, bytes: n % 2 === 0 ? 0 : 4104, queued: n % 3 === 0 }),
      reloaded: none,
    },
    ways: [
      [
        ["startPostcopy", 0],
        ["taken", 3],
        ["wireFree", 0],
        ["requested", 0],
      ],
      [
        ["startPostcopy", 0],
        ["linkLost", 0],
        ["linkBack", 0],
        ["receivedBitmap", 1],
        ["reloaded", 0],
      ],
    ],
  },
  postcopyReceiver: {
    machine: postcopyReceiverMachine,
    input: { toolstack: 1, scheduler: 2, sender: 3, latencyCycles: 4, cyclesPerByte: 0.5 },
    events: {
      pageFault: (n) => ({ vm: 0, vcpu: n % 2, page: n, dispatcher: 5 }),
      pagesArrive: (n) => ({ pages: n % 4, link: n % 2 }),
      urgentArrives: (n) => ({ page: n, link: n % 2 }),
      linkLost: (n) => ({ link: n % 2 }),
      bitmapAsked: (n) => ({ link: n % 3 }),
      faulted: (n) => ({
        dispatcher: 5,
        cycles: n,
        answer: ["there", "waits", "nothing"][n % 3],
        page: n % 2 === 0 ? -1 : n,
      }),
      placed: (n) => ({ woken: n % 2 === 0 ? [] : [0, 1], left: n % 3 }),
      lost: none,
      answered: (n) => ({ pages: n % 2 === 0 ? [] : [n], bytes: 24 }),
    },
  },
};
