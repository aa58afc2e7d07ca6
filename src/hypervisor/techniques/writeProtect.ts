/** Write protection: the first write to each page takes an EPT violation (Xen log-dirty without PML). */
import { markDirty } from "../dirtyBitmap.ts";
import { armedLeaf } from "../logDirty.ts";
import { armOrSetAll, disarmLeaves } from "./armLeaves.ts";
import { rearmTaken } from "./rearmTaken.ts";
import { NOT_OURS, type Technique } from "./technique.ts";
import { serveWrite } from "./writeViolation.ts";

export const writeProtect = {
  name: "writeProtect",
  finds: "the first write to each page",
  costs: "an EPT violation (exit 48) a page and round",
  findsWritten: true,
  findsTouched: false,
  toldBy: "exits",
  exits: true,
  armsEntries: true,
  beginsSet: true,
  splitsAtWrite: true,
  changesTypes: "writeProtect",
  model: { pages: 3, logEntries: 1, reads: 1 },
  unit: () => "none",
  arm: (vm) => armOrSetAll(vm, "writeProtect"),
  // The bitmap is kept at fault time.
  collect: () => 0,
  rearm: (vm) => rearmTaken(vm, "writeProtect"),
  disarm: disarmLeaves,
  serveLogFull: () => NOT_OURS,
  serveViolation: (vm, _vcpu, page, write) =>
    serveWrite(vm, "writeProtect", page, write, (one) => markDirty(vm.dirty, one)),
  // The bitmap knows of the writes before; the next one takes a fault again.
  pageTaken: () => {},
  pageReturned: (vm) => armedLeaf(vm.ept, "writeProtect"),
} as const satisfies Technique;
