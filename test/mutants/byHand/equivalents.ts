/** Mutants that do the same as the program, by name, with the argument. */
export const EQUIVALENTS: Readonly<Record<string, string>> = {
  "exit-vectoring-kept":
    "who says that an IRET unblocked NMIs says that no event was being delivered (src/hardware/events.ts has the only two callers): the condition that is taken out is never the one that decides",
  "outside-throttled-while-suspended":
    "only libxc's policy stops a migration after a round (afterBatch, sendThenStop: src/hypervisor/migration), and only QEMU's has a throttle (src/system/operations/migrate.ts): there is none to be switched off there",
  "merge-of-armed-table":
    "the first page of a large leaf that is met merges it, and mergeLeaves finds the entry by any page that it maps; of the others it finds a leaf, and does nothing",
  "plain-ignores-accessed":
    "the bits that a leaf is compared with still have A, which the mask now takes out of it: no leaf passes the fast walk, and the other walk does the same, only slower",
  "src/hardware/accessLoop.ts Stop.logFilled: `9` -> `10`":
    "a name for an outcome: nobody computes with the numbers of Stop, and no other has the number 10",
  "src/system/trackerDevice.ts TrackerDevice.perform: `1` -> `2` (2)":
    "no vCPU's log was drained: machines/tracker.ts asks only whether the number is one of a vCPU (`drainedVcpu >= 0`)",
  'machines/pager.ts resting.on.paged.actions: `["noteWork", "awaitFlush", "sendInveptsToo"]` -> `["awaitFlush", "noteWork", "sendInveptsToo"]`':
    "the two assign different fields, each from the event and from its own field",
  "structure-change-not-told":
    "the cache of leaf tables holds regions of 4 KiB leaves alone (findPlainLeaf): a region that a large leaf maps is not in it, so that nothing known becomes wrong when the leaf is split",
  "src/hardware/ept.ts mapRange: `>` -> `>=` (2)":
    "the cache of leaf tables is emptied once more than needed, which costs time and changes nothing",
};
