/**
 * Two operations on one VM that share the kernel's dirty log, such as a migration and a measurement of the dirty rate: each
 * begins, takes its pages and ends at any moment, while the guest writes, stands still and runs again.
 */
import {
  logWrite,
  type SharedLog,
  type SharedLogFault,
  setRunning,
  sharedLog,
  startUser,
  stopUser,
  takeBitmap,
} from "../../hypervisor/sharedLog.ts";
import type { Model } from "../engine/model.ts";
import { type CallState, callModel } from "./calls.ts";

const USERS = [0, 1] as const;

export const KERNEL_LOGS = "the kernel logs while a user is on";
export const STAYS_ON = "a user is on from its beginning to its end";
export const KERNEL_RESTS = "the kernel logs for nobody while no user is on";

interface State extends CallState {
  readonly log: SharedLog;
  /** By user: it has begun, and not ended. */
  readonly begun: readonly boolean[];
  /** By user and page: written since it began, or since it last took its pages. */
  readonly owed: readonly (readonly boolean[])[];
}

type Call =
  | { readonly type: "write"; readonly page: number }
  | { readonly type: "start" | "take" | "stop"; readonly user: number }
  | { readonly type: "pause" | "resume" };

export function sharedLogModel(pages: number, faults: readonly SharedLogFault[]): Model {
  const none = Array.from({ length: pages }, () => false);
  const calls: readonly Call[] = [
    ...none.map((_, page): Call => ({ type: "write", page })),
    ...USERS.flatMap((user): Call[] =>
      (["start", "take", "stop"] as const).map((type) => ({ type, user })),
    ),
    { type: "pause" },
    { type: "resume" },
  ];
  const initial: State = {
    log: sharedLog(pages, USERS.length),
    begun: USERS.map(() => false),
    owed: USERS.map(() => none),
    lost: false,
  };
  return callModel<State, Call>({
    name: "shared-log",
    callee: "kernel",
    initial,
    calls,
    perform: (state, call) => perform(state, call, faults),
    always: {
      [KERNEL_LOGS]: ({ log, begun }) => log.logs || !begun.includes(true),
      [KERNEL_RESTS]: ({ log }) => !log.logs || log.users.some(({ isOn }) => isOn),
      [STAYS_ON]: ({ log, begun }) =>
        begun.every((is, user) => !is || log.users[user]?.isOn === true),
    },
    sometimes: {
      "two users are on": ({ log }) => log.users.every(({ isOn }) => isOn),
      "a stop is put off": ({ log }) => log.users.some(({ ends }) => ends),
    },
  });
}

function perform(state: State, call: Call, faults: readonly SharedLogFault[]): State {
  const { log, owed } = state;
  const nothing = log.dirty.map(() => false);
  switch (call.type) {
    case "write":
      // A VM that stands still writes nothing.
      if (!log.runs) return state;
      return {
        ...state,
        log: logWrite(log, call.page),
        owed: owed.map((pages, user) =>
          state.begun[user] === true ? pages.with(call.page, true) : pages,
        ),
      };
    case "pause":
      return { ...state, log: setRunning(log, false, faults) };
    case "resume":
      return { ...state, log: setRunning(log, true, faults) };
    case "start":
    case "stop": {
      const change = call.type === "start" ? startUser : stopUser;
      const { log: next, error } = change(log, call.user, faults);
      if (error !== null) return state;
      const begun = state.begun.with(call.user, call.type === "start");
      return { ...state, log: next, begun, owed: owed.with(call.user, nothing) };
    }
    case "take": {
      const { log: next, error, pages } = takeBitmap(log, call.user, faults);
      if (error !== null) return state;
      const lost = (owed[call.user] ?? []).some((bit, page) => bit && pages?.[page] !== true);
      return { ...state, log: next, owed: owed.with(call.user, nothing), lost };
    }
  }
}
