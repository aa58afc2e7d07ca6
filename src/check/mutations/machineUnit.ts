/** Faults around a unit that a scenario designs: of one that stops the guest, and of one that interrupts the pVM and finds writes. */
import { assign } from "xstate";
import { Field, writeField, writeImage } from "../../hardware/vmcs.ts";
import { itemAt } from "../../lookup.ts";
import { unitOfLogs } from "../../system/memoryPieces.ts";
import { NO_PAGE_LOST } from "../hypervisor/settlement.ts";
import { around, type Mutation, rearmsNothing, replaceIn, without } from "./mutation.ts";

const [STOPS, INTERRUPTS] = ["machine-unit-stops", "machine-unit-interrupts"];
const SMALL = { pages: 2, reads: 0 } as const;

export const machineUnitMutations: readonly Mutation[] = [
  {
    name: "machine-unit-emptied-before-drained",
    mistake:
      "the handler of a full log that a scenario designs empties it, then drains what is left",
    model: STOPS,
    set: { ...SMALL, log: 1, up: 1 },
    breaks: NO_PAGE_LOST,
    replace: around("tracker", ({ op, vcpu = 0 }, perform, world) => {
      const { vcpus, config } = world;
      if (op === "serveLogFull") unitOfLogs(world).empty(itemAt(vcpus, vcpu).vmcs, config.geometry);
      return perform();
    }),
  },
  {
    name: "machine-unit-stop-not-sent",
    mistake: "a unit whose full log is to stop the guest tells nobody",
    model: STOPS,
    set: { ...SMALL, log: 1 },
    breaks: "no deadlock",
    replace: without({ unit: "machineUnit" }, "sendLogFull"),
  },
  {
    name: "machine-unit-drop-not-said",
    mistake: "while its log is suspended the unit drops first writes, and no bit says so",
    model: INTERRUPTS,
    set: SMALL,
    breaks: NO_PAGE_LOST,
    replace: around("mmu", ({ vcpu = 0 }, perform, { vcpus }) => {
      const reply = perform();
      const { vmcs } = itemAt(vcpus, vcpu);
      const both = 3;
      writeField(vmcs, Field.fullLogs, (vmcs.words[2 * Field.fullLogs] ?? 0) & both);
      writeImage(vmcs, Field.fullLogs, (vmcs.image[2 * Field.fullLogs] ?? 0) & both);
      return reply;
    }),
  },
  {
    name: "machine-unit-copied-not-marked",
    mistake:
      "the handler counts the entries of a log of first writes, and marks none of their pages",
    model: INTERRUPTS,
    set: SMALL,
    breaks: NO_PAGE_LOST,
    replace: around({ kind: "pvmCpu", cpu: 0 }, ({ op }, perform, { vms }) => {
      const { dirty } = itemAt(vms, 0).tracked;
      const before = dirty.bits.slice();
      const reply = perform();
      if (op === "drain") {
        if (before.length === 0) dirty.bits.fill(0);
        else dirty.bits.set(before);
      }
      return reply;
    }),
  },
  {
    name: "machine-unit-reload-forgotten",
    mistake: "the handler resets the index in memory, and forgets the remote reload",
    model: INTERRUPTS,
    set: SMALL,
    breaks: "the log of vCPU",
    replace: replaceIn({ kind: "pvmCpu", cpu: 0 }, ({ machine, device }) => ({
      device,
      machine: machine.provide({ actions: { sendReloads: assign({}) } }),
    })),
  },
  {
    name: "machine-unit-rearm-nothing",
    mistake:
      "a harvest reports the pages, and leaves their D flags set: the unit has none of them again",
    model: INTERRUPTS,
    set: SMALL,
    breaks: NO_PAGE_LOST,
    replace: rearmsNothing,
  },
];
