/** Faults of post-copy: at the switch, while pages follow, and when a link has failed. */
import { mapPage, ordinaryLeaf } from "../../hardware/ept.ts";
import type { Part } from "../../hardware/part.ts";
import { clearMarks, markDirty } from "../../hypervisor/dirtyBitmap.ts";
import { Destination, isThere, loadPage } from "../../hypervisor/migration/destination.ts";
import { PostcopyHosts } from "../../hypervisor/migration/postcopy.ts";
import { SendQueue } from "../../hypervisor/migration/sendQueue.ts";
import { itemAt, present } from "../../lookup.ts";
import type { World } from "../../system/world.ts";
import {
  ALL_COMES,
  COMES_ONCE,
  FINDS_LAST_WRITE,
  REQUESTED_FIRST,
  WAITER_GETS_PAGE,
} from "../models/postcopy.ts";
import {
  type Asked,
  type Mutation,
  type Replacement,
  replaceIn,
  type Whose,
  wrapDevice,
} from "./mutation.ts";

interface Parts {
  readonly world: World;
  readonly hosts: PostcopyHosts;
  readonly queue: SendQueue;
  readonly destination: Destination;
}

type Reply = ReturnType<Parameters<typeof wrapDevice>[1]>;

function partOf<One extends Part>(
  parts: readonly Part[],
  kind: abstract new (...args: never[]) => One,
  name: string,
): One {
  const found = parts.find((one): one is Part & One => one instanceof kind && one.name === name);
  return present(found, name);
}

/** Around the devices of some actors, with both hosts at hand. */
function around(
  whose: Whose,
  what: (asked: Asked, perform: () => Reply, parts: Parts) => Reply,
): Replacement {
  return replaceIn(whose, ({ machine, device }, world, operation) => ({
    machine,
    device: wrapDevice(device, (asked, perform) => {
      const parts = operation();
      return what(asked, perform, {
        world: world(),
        hosts: partOf(parts, PostcopyHosts, "migration/postcopy"),
        queue: partOf(parts, SendQueue, "migration/queue"),
        destination: partOf(parts, Destination, "migration/destination"),
      });
    }),
  }));
}

const sender = { helper: "sender" } as const;
const receiver = { helper: "receiver" } as const;

/** Pages that were discarded, of which this is asked, are mapped all the same, with whatever the destination has. */
function mapped(isMapped: (page: number, had: Int32Array) => boolean): Replacement {
  return around("toolstack", ({ op }, perform, { world, hosts, destination }) => {
    const had = destination.present.slice();
    const reply = perform();
    if (op !== "switchOver") return reply;
    const { ept, guest } = itemAt(world.vms, 0);
    hosts.frames.forEach((frame, page) => {
      if (frame === 0 || !isMapped(page, had)) return;
      mapPage(ept, page, frame, 1, ordinaryLeaf(ept.format));
      loadPage({ ept, guest }, destination, page);
    });
    return reply;
  });
}

export const postcopyMutations: readonly Mutation[] = [
  {
    name: "discard-skipped",
    mistake:
      "pages that the destination has from a live round, and that are dirty since, are not discarded there",
    model: "postcopy",
    set: { rounds: 1 },
    breaks: FINDS_LAST_WRITE,
    replace: mapped(
      (page, had) => (itemAt(Array.from(had), page >>> 5) & (1 << (page & 31))) !== 0,
    ),
  },
  {
    name: "resumed-without-faults",
    mistake:
      "the guest runs at the destination while accesses to missing pages find zeroes, and do not fault",
    model: "postcopy-recovery",
    breaks: FINDS_LAST_WRITE,
    replace: mapped(() => true),
  },
  {
    name: "request-dropped",
    mistake: "the source takes a request for a page that it has still to send, and forgets it",
    model: "postcopy",
    breaks: REQUESTED_FIRST,
    replace: around(sender, ({ op, page }, perform) =>
      op === "request" ? { type: "requested", page, bytes: 0, queued: false } : perform(),
    ),
  },
  {
    name: "request-waits-its-turn",
    mistake: "requested pages are sent where the walk meets them, and not before all others",
    model: "postcopy",
    breaks: REQUESTED_FIRST,
    replace: around(sender, ({ op }, perform, { hosts }) => {
      if (op !== "take") return perform();
      const urgent = hosts.requests.pages();
      hosts.requests.clear();
      const reply = perform();
      for (const page of urgent) hosts.requests.push(page);
      return reply;
    }),
  },
  {
    name: "bit-not-cleared",
    mistake:
      "the bit of a page that was sent stays set, and it is sent to a guest that has it, and may have written it",
    model: "postcopy",
    breaks: COMES_ONCE,
    replace: around(sender, ({ op }, perform, { hosts, queue }) => {
      const reply = perform();
      if (op === "take") for (const page of hosts.flight.pages()) markDirty(queue.marks, page);
      return reply;
    }),
  },
  {
    name: "bit-cleared-unsent",
    mistake: "the bits of a batch are cleared, and its last page is not put on the wire",
    model: "postcopy",
    breaks: ALL_COMES,
    replace: around(sender, ({ op }, perform, { hosts }) => {
      const reply = perform();
      if (op !== "take" || hosts.flight.count === 0) return reply;
      const pages = hosts.flight.pages();
      hosts.flight.clear();
      for (const page of pages.slice(0, -1)) hosts.flight.push(page);
      return { ...reply, pages: Math.max(0, Number(Reflect.get(reply, "pages")) - 1) };
    }),
  },
  {
    name: "postcopy-waiter-not-woken",
    mistake: "a page comes, and the vCPU that waits for it is not told",
    model: "postcopy",
    breaks: WAITER_GETS_PAGE,
    replace: around(receiver, ({ op }, perform) => {
      const reply = perform();
      return op === "place" ? { ...reply, woken: [] } : reply;
    }),
  },
  {
    name: "received-not-complemented",
    mistake:
      "after a link has failed the source sends what the destination has, in place of what it has not",
    model: "postcopy-recovery",
    breaks: COMES_ONCE,
    replace: around(sender, ({ op }, perform, { hosts, queue }) => {
      const reply = perform();
      if (op !== "reload") return reply;
      clearMarks(queue.marks);
      hosts.frames.forEach((frame, page) => {
        if (frame === 0 && isThere(hosts.source, page)) markDirty(queue.marks, page);
      });
      return reply;
    }),
  },
  {
    name: "recovered-by-own-bitmap",
    mistake:
      "after a link has failed the source goes on from its own bitmap: what was on its way is not sent again",
    model: "postcopy-recovery",
    set: { pages: 1 },
    breaks: ALL_COMES,
    replace: around(sender, ({ op }, perform, { queue }) => {
      const before = queue.marks.bits.slice();
      const reply = perform();
      if (op !== "reload") return reply;
      clearMarks(queue.marks);
      before.forEach((word, at) => {
        for (let bit = 0; bit < 32; bit++) {
          if ((word & (1 << bit)) !== 0) markDirty(queue.marks, at * 32 + bit);
        }
      });
      return reply;
    }),
  },
  {
    name: "resent-over-written",
    mistake:
      "after a link has failed all pages are sent again, over what the guest has written since they came",
    model: "postcopy-recovery",
    breaks: COMES_ONCE,
    replace: around(sender, ({ op }, perform, { hosts, queue }) => {
      const reply = perform();
      if (op !== "reload") return reply;
      hosts.frames.forEach((_, page) => {
        if (isThere(hosts.source, page)) markDirty(queue.marks, page);
      });
      return reply;
    }),
  },
];
