/** Faults in PML: in the processor's half, and in the hypervisor's. */

import { emit } from "xstate";
import { clearMarks } from "../../hypervisor/dirtyBitmap.ts";
import { send } from "../../interconnect/emissions.ts";
import { itemAt } from "../../lookup.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { NO_STALE_TRANSLATION } from "../models/properties.ts";
import {
  INDEX_IN_RANGE,
  NO_FLAG_WITHOUT_ACCESS,
  SERVED_LOG_IS_EMPTY,
} from "../models/stepChecks.ts";
import { around, type Mutation, rearmsNothing, replaceIn, without } from "./mutation.ts";
import {
  emptiedAtExit,
  emptiedBeforeDrained,
  flagBeforeLog,
  indexNotReset,
  indexStays,
  indexWraps,
} from "./stoppingUnits.ts";

export const pmlMutations: readonly Mutation[] = [
  {
    name: "skip-invept",
    mistake: "the tracker answers without having INVEPT executed",
    model: "pml",
    breaks: NO_STALE_TRANSLATION,
    trackerFault: "skipInvept",
  },
  {
    name: "harvest-before-drain",
    mistake: "the bitmap is read before the logs are drained into it",
    model: "pml",
    breaks: NO_PAGE_LOST,
    trackerFault: "harvestBeforeDrain",
  },
  {
    name: "pml-on-some-vcpus",
    mistake: "only one vCPU logs, though entries are shared by all",
    model: "pml-two-vcpus",
    breaks: NO_PAGE_LOST,
    trackerFault: "pmlOnSomeVcpus",
  },
  {
    name: "clear-before-drain",
    mistake: "the log-full handler resets the index, then drains what it says",
    model: "pml",
    breaks: NO_PAGE_LOST,
    replace: emptiedBeforeDrained,
  },
  {
    name: "reset-at-exit",
    mistake: "the exit itself resets the index, before anybody has drained the log",
    model: "pml",
    breaks: INDEX_IN_RANGE,
    replace: emptiedAtExit,
  },
  {
    name: "index-not-reset",
    mistake: "the log-full handler drains the log, but leaves the index out of range",
    model: "pml",
    breaks: SERVED_LOG_IS_EMPTY,
    replace: indexNotReset,
  },
  {
    name: "unit-not-told",
    mistake: "the handler forgets to tell the PML unit that the index is back",
    model: "pml",
    breaks: "every message is handled",
    replace: replaceIn("tracker", ({ machine, device }) => ({
      device,
      machine: machine.provide({
        actions: {
          sendHandled: emit(({ event }) =>
            send(event["dispatcher"], { type: "handled", fixed: event["fixed"] }),
          ),
        },
      }),
    })),
  },
  {
    name: "rearm-nothing",
    mistake: "a harvest reports the pages, but leaves their D flags set",
    model: "pml",
    breaks: NO_PAGE_LOST,
    replace: rearmsNothing,
  },
  {
    name: "bitmap-cleared-before-copied",
    mistake: "the bitmap is cleared before the requester's copy is made",
    model: "pml",
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op }, perform, { vms }) => {
      const reply = perform();
      if (op === "harvest") clearMarks(itemAt(vms, 0).tracked.handedOver);
      return reply;
    }),
  },
  {
    name: "flag-before-log",
    mistake: "the walk sets A and D, and then finds the log full",
    model: "pml",
    breaks: NO_FLAG_WITHOUT_ACCESS,
    replace: flagBeforeLog,
  },
  {
    name: "index-wraps",
    mistake: "the processor wraps the index to the last entry instead of exiting",
    model: "pml",
    breaks: INDEX_IN_RANGE,
    replace: indexWraps,
  },
  {
    name: "index-not-decremented",
    mistake: "the processor stores an entry and leaves the index where it was",
    model: "pml",
    breaks: INDEX_IN_RANGE,
    replace: indexStays,
  },
  {
    name: "log-full-not-told",
    mistake: "the PML unit becomes full and forgets to stop the guest",
    model: "pml",
    breaks: "no deadlock",
    replace: without({ unit: "pml" }, "sendLogFull"),
  },
];
