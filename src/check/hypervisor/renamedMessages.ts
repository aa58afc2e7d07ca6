/**
 * What the fields of messages hold, so that they can be given other numbers. Every message and every field
 * is named here: the compiler sees to that, and a field that is not is an error.
 */
import type { AnyEventObject } from "xstate";
import { ExitReason } from "../../hardware/exit.ts";
import type { Message } from "../../interconnect/messages.ts";
import type { Permutation } from "./permutation.ts";

/**
 * same: nothing that is exchanged: a count, a VM, a frame, a word. violated: a page if the exit is an EPT
 * violation, else always 0.
 */
type Kind = "same" | "page" | "violated" | "vcpu" | "pcpu" | "actor";

type Fields = {
  readonly [Type in Message["type"]]: {
    readonly [Field in Exclude<keyof Extract<Message, { type: Type }>, "type">]-?: Kind;
  };
};

const FIELDS: Fields = {
  enterGuest: { vcpu: "vcpu" },
  continueGuest: {},
  kick: {},
  guestStopped: { reason: "same", qualification: "same", page: "violated" },
  entryFailed: { failure: "same" },
  pmlIndexOutOfRange: {},
  prlLogFilled: {},
  vmExit: { vcpu: "vcpu", vm: "same", reason: "same", qualification: "same", page: "violated" },
  resume: {},
  deschedule: { crashed: "same", waits: "same" },
  logFullExit: { vcpu: "vcpu", dispatcher: "actor" },
  eptViolation: { vcpu: "vcpu", page: "page", qualification: "same", dispatcher: "actor" },
  pageFault: { vm: "same", vcpu: "vcpu", page: "page", dispatcher: "actor" },
  vcpuMustWait: {},
  wakeVcpu: { vcpu: "vcpu" },
  pageArrived: { vm: "same", page: "page", frame: "same" },
  pagesWritten: { count: "same" },
  handled: { fixed: "same" },
  reapDue: { drainedVcpu: "vcpu", dispatcher: "actor" },
  pmlIndexReset: {},
  enableLog: {},
  disableLog: {},
  ipi: { vector: "same", vcpu: "vcpu" },
  logsCopied: {},
  handlerDue: {},
  remoteReload: {},
  inveptRequest: { vm: "same", tracker: "actor" },
  inveptDone: { pcpu: "pcpu" },
  arm: { technique: "same", requester: "actor", pages: "page" },
  armed: { technique: "same" },
  armRefused: { vm: "same", error: "same", technique: "same" },
  harvest: { mode: "same", requester: "actor", pages: "page", live: "same" },
  harvestBegun: { vm: "same" },
  pieceDue: {},
  harvested: {
    pagesWritten: "same",
    pagesTouched: "same",
    guestPageTables: "same",
    cycles: "same",
  },
  disarm: { requester: "actor" },
  disarmed: { pages: "same" },
  startVm: { vm: "same" },
  pauseVm: { vm: "same", requester: "actor" },
  vmPaused: { vm: "same" },
  unpauseVm: { vm: "same" },
  pauseVcpu: { vcpu: "vcpu" },
  unpauseVcpu: { vcpu: "vcpu" },
  harvestNow: { vm: "same" },
  switchTracker: { vm: "same", technique: "same" },
  setWriteIntensity: { vm: "same", percent: "same" },
  startOperation: { operation: "same" },
  abortOperation: {},
  operationEnded: {},
  schedule: { vcpu: "vcpu", pcpu: "pcpu", mmu: "actor", dispatcher: "actor" },
  preempt: {},
  descheduled: { vcpu: "vcpu", halted: "same", waits: "same" },
  timesliceEnd: { pcpu: "pcpu", slice: "same" },
  vmHalted: { vm: "same" },
  begin: {},
  harvestDue: {},
  deadline: {},
  checkpointDue: {},
  epochDue: {},
  checkpointCopied: {},
  checkpointWritten: {},
  migrationDue: {},
  batchArrived: { attempt: "same" },
  destinationReady: { attempt: "same" },
  abortDue: {},
  linkDown: {},
  settled: {},
  setThrottle: { percent: "same" },
  throttleSliceEnd: { turn: "same" },
  throttleWake: { turn: "same" },
  startSampling: {},
  sampleDue: {},
  prepareEstimation: { requester: "actor" },
  estimatorReady: { vm: "same" },
  watchVm: {},
  endEstimation: {},
  estimationEnded: { vm: "same" },
  estimate: { vm: "same", pages: "same" },
  intervalDue: {},
  controlDue: {},
  setTarget: { pages: "same" },
  inflateDue: {},
  giveBack: { vm: "same", pages: "same" },
  gaveBack: { surplus: "same", stuck: "same" },
  compute: { cycles: "same", spent: "same", requester: "actor" },
  computed: {},
  jobDue: {},
  loadDue: {},
  loadQuery: { requester: "actor" },
  loadReport: { cpu: "actor", handlerCycles: "same", jobCycles: "same" },
};

/**
 * @param vm whose pages the message may name
 * @throws if the message has a field that is not named here
 */
export function renamedMessage(
  message: AnyEventObject,
  vm: number,
  permutation: Permutation,
): AnyEventObject {
  const { type, ...payload } = message;
  const kinds: Readonly<Record<string, Kind>> | undefined = FIELDS[type as Message["type"]];
  const entries = Object.entries(payload).map(([field, value]) => {
    const kind = kinds?.[field];
    if (kind === undefined) throw new Error(`what "${field}" of "${type}" holds is not known`);
    if (kind === "same" || (kind === "violated" && !isViolation(message))) return [field, value];
    // -1: none.
    if (Number(value) < 0) return [field, value];
    if (kind !== "page" && kind !== "violated") return [field, permutation[kind](Number(value))];
    return [field, renamedPages(value, (page) => permutation.page(vm, page))];
  });
  return { type, ...Object.fromEntries(entries) };
}

function isViolation({ reason }: AnyEventObject): boolean {
  return reason === ExitReason.eptViolation;
}

/** A page, or a set of pages as a list in their order. */
function renamedPages(value: unknown, to: (page: number) => number): unknown {
  if (!Array.isArray(value)) return to(Number(value));
  return value.map((page) => to(Number(page))).sort((a, b) => a - b);
}
