/** Messages of a migration, for the table (messages.ts): of pre-copy, and of its two hosts in post-copy. */
import { count, page, turn } from "./fields.ts";
import type { MessageRow } from "./messageRow.ts";

export const MIGRATION_MESSAGES = {
  // The migration begins; a batch of pages has arrived; the destination
  // can resume the VM; the operator aborts; the link fails; the run has gone on long enough.
  migrationDue: {
    from: ["system", "toolstack"],
    to: "toolstack",
    fields: {},
    kind: "operation",
    timer: "atWill",
  },
  // `attempt`: of a migration that is done again, which one; absent in the first. What was under way when one was
  // given up arrives all the same.
  batchArrived: {
    from: "toolstack",
    to: "itself",
    fields: { attempt: count.exactOptional() },
    kind: "operation",
    step: 4,
  },
  destinationReady: {
    from: "toolstack",
    to: "itself",
    fields: { attempt: count.exactOptional() },
    kind: "operation",
  },
  abortDue: {
    from: ["system", "toolstack"],
    to: "toolstack",
    fields: {},
    kind: "operation",
    timer: "atWill",
  },
  linkDown: { from: "toolstack", to: "itself", fields: {}, kind: "operation", timer: "atWill" },
  settled: { from: "toolstack", to: "itself", fields: {}, kind: "operation", timer: "atWill" },
  // Go on as post-copy as soon as it can be (migrate-start-postcopy); the package of the switch has arrived.
  postcopyDue: {
    from: ["system", "toolstack"],
    to: "toolstack",
    fields: {},
    kind: "operation",
    timer: "atWill",
  },
  packageArrived: { from: "toolstack", to: "itself", fields: {}, kind: "operation", step: 4 },
  // The guest runs at the destination: the source sends what is missing there; every page is there.
  startPostcopy: { from: "toolstack", to: "sender", fields: {}, kind: "operation" },
  postcopyEnded: { from: "receiver", to: "toolstack", fields: {}, kind: "operation" },
  // A page that a vCPU waits for (MIG_RP_MSG_REQ_PAGES).
  pageRequested: { from: "receiver", to: "sender", fields: { page }, kind: "operation" },
  // The pages of this turn are on the wire; the quota of a window is used up till now.
  wireFree: {
    from: "sender",
    to: "itself",
    fields: { turn },
    kind: "operation",
    step: 4,
    twice: "turn",
  },
  // So many pages arrive, in the order of sending; a page by the channel of its own. `link`: which one, as links fail.
  pagesArrive: {
    from: "sender",
    to: "receiver",
    fields: { pages: count, link: count },
    kind: "operation",
    step: 4,
  },
  urgentArrives: {
    from: "sender",
    to: "receiver",
    fields: { page, link: count },
    kind: "operation",
    step: 4,
  },
  // This link has failed; there is another one (migrate-recover and migrate with resume).
  linkLost: {
    from: "toolstack",
    to: ["sender", "receiver"],
    fields: { link: count },
    kind: "operation",
  },
  recoverDue: { from: ["system", "toolstack"], to: "toolstack", fields: {}, kind: "operation" },
  linkBack: { from: "toolstack", to: "sender", fields: { link: count }, kind: "operation" },
  // MIG_CMD_RECV_BITMAP, and the answer.
  bitmapAsked: { from: "sender", to: "receiver", fields: { link: count }, kind: "operation" },
  receivedBitmap: { from: "receiver", to: "sender", fields: { link: count }, kind: "operation" },
} as const satisfies Readonly<Record<string, MessageRow>>;
