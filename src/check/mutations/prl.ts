/** Faults in PRL's interrupt, its handler, and the remote reload. */

import { assign } from "xstate";
import { Field } from "../../hardware/vmcs.ts";
import { itemAt } from "../../lookup.ts";
import { unitOfLogs } from "../../system/memoryPieces.ts";
import { prlResetImage } from "../../units/prl/walk.ts";
import { COUNTS_ARE_EXACT, LOGGED_IS_REPORTED } from "../models/loggedEntries.ts";
import { COPIED_IS_COUNTED, HANDLER_RETURNS } from "../models/properties.ts";
import { around, type Mutation, replaceIn } from "./mutation.ts";

const RESUMES = "the log of vCPU";

export const prlMutations: readonly Mutation[] = [
  {
    name: "remote-reload-forgotten",
    mistake: "the handler resets the indexes in memory and forgets the remote VMCS reload",
    model: "prl",
    set: { pages: 2, reads: 0 },
    breaks: RESUMES,
    replace: replaceIn({ kind: "pvmCpu", cpu: 0 }, ({ machine, device }) => ({
      device,
      machine: machine.provide({ actions: { sendReloads: assign({}) } }),
    })),
  },
  {
    name: "mask-lost",
    mistake: "an interrupt that arrives while the vector is masked is lost, not pending",
    model: "prl-two-vms",
    set: { pages: 2 },
    breaks: RESUMES,
    replace: replaceIn({ kind: "pvmCpu", cpu: 0 }, ({ machine, device }) => ({
      device,
      machine: machine.provide({ actions: { setPending: assign({}) } }),
    })),
  },
  {
    name: "interrupt-not-sent",
    mistake: "the unit suspends its log and sends no interrupt",
    model: "prl",
    set: { pages: 2, reads: 0 },
    breaks: RESUMES,
    replace: replaceIn({ unit: "prl" }, ({ machine, device }) => ({
      device,
      machine: machine.provide({ actions: { sendIpi: assign({}) } }),
    })),
  },
  {
    name: "reload-keeps-index",
    mistake: "the processor's reload does not take the index from memory",
    model: "prl",
    set: { pages: 2, reads: 0 },
    breaks: RESUMES,
    replace: around({ unit: "prl" }, () => ({ type: "reloaded" })),
  },
  {
    name: "image-not-reset",
    mistake: "the handler has the processor reload before it has reset the index in memory",
    model: "prl",
    set: { pages: 2, reads: 0 },
    breaks: RESUMES,
    replace: around({ kind: "pvmCpu", cpu: 0 }, ({ op }, perform) =>
      op === "reset" ? { type: "indexesReset" } : perform(),
    ),
  },
  {
    name: "one-vm-served",
    mistake: "the handler looks at the logs of the first VM alone",
    model: "prl-two-vms",
    set: { pages: 2 },
    breaks: RESUMES,
    replace: around({ kind: "pvmCpu", cpu: 0 }, ({ op }, perform, { logs }) => {
      const before = logs.handled.slice();
      const reply = perform();
      if (op !== "drain") return reply;
      const drained = reply["drained"] as readonly { readonly vcpu: number }[];
      logs.handled.set(before.subarray(1), 1);
      return { ...reply, drained: drained.filter(({ vcpu }) => vcpu === 0) };
    }),
  },
  {
    name: "reset-before-copied",
    mistake: "the index in memory is reset at the start of the handler, and again at its end",
    model: "prl",
    set: { pages: 2, reads: 0 },
    breaks: RESUMES,
    replace: around({ kind: "pvmCpu", cpu: 0 }, ({ op }, perform, { vcpus, config }) => {
      if (op === "drain") {
        for (const { vmcs } of vcpus) prlResetImage(vmcs, 3, config.geometry);
      }
      return perform();
    }),
  },
  {
    name: "handler-never-returns",
    mistake: "the handler serves as long as there is a full log, whatever waits for its CPU",
    model: "prl",
    set: { pages: 2, reads: 0 },
    breaks: HANDLER_RETURNS,
    replace: replaceIn({ kind: "pvmCpu", cpu: 0 }, ({ machine, device }) => ({
      device,
      machine: machine.provide({
        guards: { hasSpentBudget: () => false },
        // Nor does it count.
        actions: { clearPending: assign({ pending: false, inARow: 0 }) },
      }),
    })),
  },
  {
    name: "copied-twice",
    mistake:
      "a harvest copies a log that the handler has copied, and the processor has not reloaded yet",
    model: "prl-counts",
    set: { counts: 2 },
    breaks: COUNTS_ARE_EXACT,
    replace: around({ kind: "pvmCpu", cpu: 0 }, ({ op }, perform, { logs }) => {
      const reply = perform();
      if (op === "drain") logs.handled.fill(0);
      return reply;
    }),
  },
  {
    name: "counts-end-early",
    mistake: "the handler counts a page's entries up to two, and the threshold is three",
    model: "prl-counts",
    breaks: COUNTS_ARE_EXACT,
    replace: around({ kind: "pvmCpu", cpu: 0 }, (_, perform, { vms }) => {
      const reply = perform();
      const { counts } = itemAt(vms, 0).tracked.buffer;
      counts.set(counts.map((count) => Math.min(count, 2)));
      return reply;
    }),
  },
  {
    name: "second-log-not-copied",
    mistake: "the handler finds both logs full, copies the first, and resets both",
    model: "prl-two-logs",
    breaks: COUNTS_ARE_EXACT,
    replace: around({ kind: "pvmCpu", cpu: 0 }, ({ op }, perform, { vcpus, vms }) => {
      const { image } = itemAt(vcpus, 0).vmcs;
      const [both, at] = [image[2 * Field.fullLogs] === 3, 2 * Field.fullLogs];
      if (op !== "drain" || !both) return perform();
      image[at] = 1;
      perform();
      image[at] = 3;
      const { counts } = itemAt(vms, 0).tracked.buffer;
      const copied = counts.slice();
      const reply = perform();
      counts.set(copied);
      return reply;
    }),
  },
  {
    name: "counting-not-begun",
    mistake: "the handler leaves what it has copied to a process, and nobody wakes it",
    model: "prl-counted-later",
    breaks: COPIED_IS_COUNTED,
    replace: replaceIn({ kind: "pvmCpu", cpu: 0 }, ({ machine, device }) => ({
      device,
      machine: machine.provide({ actions: { sendWaitingDue: assign({}) } }),
    })),
  },
  {
    name: "copied-meanwhile-forgotten",
    mistake: "of what is copied while a process counts, nothing is left to the next one",
    model: "prl-counted-later",
    breaks: COPIED_IS_COUNTED,
    replace: replaceIn({ kind: "pvmCpu", cpu: 0 }, ({ machine, device }) => ({
      device,
      machine: machine.provide({ guards: { hasNext: () => false, hasJob: () => true } }),
    })),
  },
  {
    name: "other-vcpus-log-dropped",
    mistake: "a harvest copies the log of the first vCPU, and empties those of all",
    model: "prl-two-vcpus",
    breaks: LOGGED_IS_REPORTED,
    replace: around("tracker", ({ op }, perform, world) => {
      const { vcpus, config } = world;
      if (op === "harvest") unitOfLogs(world).empty(itemAt(vcpus, 1).vmcs, config.geometry);
      return perform();
    }),
  },
  {
    name: "second-handler-idle",
    mistake:
      "the handler on a second pVM CPU leaves all full logs to the first, which nobody has interrupted",
    model: "prl-two-pvm-cpus",
    breaks: "the log of vCPU 1 resumes after it was full",
    replace: around({ kind: "pvmCpu", cpu: 1 }, ({ op }, perform) =>
      op === "drain" ? { type: "logsDrained", drained: [], cycles: 0, uncounted: 0 } : perform(),
    ),
  },
];
