/**
 * The states of a migration (migration.ts) from the moment in which it goes on as post-copy (QEMU, migration.c postcopy_start):
 * the package of the switch, the switch, the guest at the destination with its pages on their way, and a link that has failed.
 * Up to the switch all of the VM is at the source, and the migration may be given up; from then on it may not.
 *
 *   state           | event                    | next            | emits
 *   ----------------|--------------------------|-----------------|-------------------------------------
 *   packaging       | packaged                 | packaging       | packageArrived to itself, by the link
 *   packaging       | packageArrived           | packaging       | device: switchOver
 *   packaging       | switched                 | switching       | disarm
 *   packaging       | abortDue, linkDown       | cancelling      | disarm; device: clock
 *   switching       | disarmed                 | postcopy        | unpauseVm: it runs at the destination; startPostcopy
 *   switching       | disarmed, no link        | paused          | the same; linkLost to both hosts
 *   switching       | disarmed, nothing missing | comparing      | the same; device: compareSent
 *   postcopy        | linkDown                 | paused          | linkLost to both hosts
 *   paused          | recoverDue               | postcopy        | linkBack to the source
 *   postcopy, paused | postcopyEnded           | comparing       | device: compareSent
 *   comparing       | compared                 | settling        | settled to itself
 *   comparing       | compared, enough         | done            | -
 */
export const POSTCOPY_STATES = {
  packaging: {
    on: {
      packaged: { actions: "sendPackage" },
      packageArrived: { actions: "askSwitch" },
      switched: { target: "switching", actions: ["noteSwitched", "sendDisarm"] },
      abortDue: { target: "cancelling", actions: ["noteAbort", "sendDisarm", "askClock"] },
      linkDown: { target: "cancelling", actions: ["noteLinkDown", "sendDisarm", "askClock"] },
    },
  },
  switching: {
    on: {
      disarmed: [
        {
          guard: "isNothingMissing",
          target: "comparing",
          actions: ["sendPostcopy", "askCompareSent"],
        },
        { guard: "isLinkDown", target: "paused", actions: "sendPostcopy" },
        { target: "postcopy", actions: "sendPostcopy" },
      ],
      linkDown: { actions: "noteLinkLost" },
    },
  },
  postcopy: {
    on: {
      linkDown: { target: "paused", actions: ["noteLinkLost", "sendLinkLost"] },
      postcopyEnded: { target: "comparing", actions: "askCompareSent" },
    },
  },
  paused: {
    on: {
      recoverDue: { target: "postcopy", actions: ["noteLinkBack", "sendLinkBack"] },
      postcopyEnded: { target: "comparing", actions: "askCompareSent" },
    },
  },
  comparing: {
    on: {
      compared: [
        { guard: "isEnough", target: "done", actions: "noteCompared" },
        { target: "settling", actions: ["noteCompared", "sendSettling"] },
      ],
    },
  },
} as const;
