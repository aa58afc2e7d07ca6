/**
 * Xen's log-dirty operations, called by a toolstack in any order, while the guest writes, a page of the trie cannot be had,
 * the hypervisor writes a page that it has mapped, and a device model tracks the last page as video memory.
 */
import {
  type XenAnswer,
  type XenLog,
  type XenLogFault,
  xenClean,
  xenEnable,
  xenLog,
  xenOff,
  xenPeek,
  xenTrackVram,
  xenWrite,
} from "../../hypervisor/xenLogDirty.ts";
import type { Model } from "../engine/model.ts";
import { type CallState, callModel } from "./calls.ts";

/** The page that the hypervisor keeps mapped. */
const MAPPED = 0;

interface State extends CallState {
  readonly log: XenLog;
  /** By page: written by the guest since the log was enabled, or since the last CLEAN; and by the hypervisor. */
  readonly owed: readonly boolean[];
  readonly owedMapped: boolean;
  /** The video memory was written since its last call, and no CLEAN and no end of the log came between. */
  readonly owedVram: boolean;
}

type Call =
  | { readonly type: "write" | "writeWithoutMemory"; readonly page: number }
  | {
      readonly type:
        | "hypervisorWrites"
        | "enable"
        | "off"
        | "clean"
        | "cleanPreempted"
        | "cleanFinal"
        | "peek"
        | "trackVram";
    };

export function xenLogModel(pages: number, faults: readonly XenLogFault[]): Model {
  const all = Array.from({ length: pages }, (_, page) => page);
  const calls: readonly Call[] = [
    ...all.map((page): Call => ({ type: "write", page })),
    { type: "writeWithoutMemory", page: 0 },
    { type: "hypervisorWrites" },
    { type: "enable" },
    { type: "off" },
    { type: "clean" },
    { type: "cleanPreempted" },
    { type: "cleanFinal" },
    { type: "peek" },
    { type: "trackVram" },
  ];
  const owed = all.map(() => false);
  const log = xenLog(pages, [MAPPED]);
  return callModel<State, Call>({
    name: "xen-log-dirty",
    callee: "xen",
    initial: { log, owed, owedMapped: false, owedVram: false, lost: false },
    calls,
    perform: (state, call) => perform(state, call, faults),
    always: {},
    sometimes: {
      "an operation is unfinished": ({ log: { unfinished } }) => unfinished,
      "memory for the trie is missing": ({ log: { failed } }) => failed,
    },
  });
}

function perform(state: State, call: Call, faults: readonly XenLogFault[]): State {
  const { log, owed } = state;
  const vram = owed.length - 1;
  switch (call.type) {
    case "write":
    case "writeWithoutMemory": {
      const next = xenWrite(log, call.page, call.type === "write");
      const isVram = call.page === vram && log.vram !== null;
      const now = log.isOn ? owed.with(call.page, true) : owed;
      return { ...state, log: next, owed: now, owedVram: state.owedVram || isVram };
    }
    case "hypervisorWrites":
      return log.isOn ? { ...state, owedMapped: true } : state;
    case "enable":
      return begun(state, xenEnable(log));
    case "off":
      return begun(state, xenOff(log));
    case "clean":
    case "cleanPreempted":
    case "cleanFinal": {
      const how = { final: call.type === "cleanFinal", preempted: call.type === "cleanPreempted" };
      return cleaned(state, xenClean(log, how, faults), how.final);
    }
    case "peek":
      return reported(state, xenPeek(log, faults));
    case "trackVram": {
      const { log: next, bitmap } = xenTrackVram(log, vram, 1, faults);
      const lost = state.lost || (state.owedVram && bitmap?.[vram] !== true);
      return { ...state, log: next, owedVram: false, lost };
    }
  }
}

/** All pages have another type: nothing that was written before is owed to anybody. */
function begun(state: State, { log, error }: XenAnswer): State {
  if (error !== null) return state;
  const owed = state.owed.map(() => false);
  return { ...state, log, owed, owedMapped: false, owedVram: false };
}

function reported(state: State, { log, bitmap }: XenAnswer): State {
  const left = bitmap !== null && state.owed.some((bit, page) => bit && bitmap[page] !== true);
  return { ...state, log, lost: state.lost || left };
}

function cleaned(state: State, answer: XenAnswer, final: boolean): State {
  const next = reported(state, answer);
  if (answer.bitmap === null) return next;
  // A plain CLEAN says nothing of what the hypervisor has mapped: the final one does.
  const left = final && state.owedMapped && answer.bitmap[MAPPED] !== true;
  const owed = state.owed.map(() => false);
  const owedMapped = state.owedMapped && !final;
  return { ...next, owed, owedMapped, owedVram: false, lost: next.lost || left };
}
