/**
 * The state of a live view: whether the work goes on, and where the cursor of its list is.
 *
 *   state   | event     | next     | emits
 *   --------|-----------|----------|--------------
 *   working | interrupt | left     | interrupt
 *   working | end       | ended    | -
 *   ended   | open      | ended    | open: the row
 *   ended   | leave     | left     | leave
 *   ended   | interrupt | left     | leave
 *   any     | move      | the same | -
 */
import { assign, emit, setup } from "xstate";

export interface LiveContext {
  /** Row of the list, from 0. */
  readonly cursor: number;
}

export type LiveEvent =
  | { readonly type: "interrupt" }
  /** `row`: what is to be looked at first. */
  | { readonly type: "end"; readonly row: number }
  | { readonly type: "leave" }
  | { readonly type: "open" }
  /** `rows`: how many there are. */
  | { readonly type: "move"; readonly by: number; readonly rows: number };

export type LiveEmission =
  | { readonly type: "interrupt" }
  | { readonly type: "leave" }
  | { readonly type: "open"; readonly row: number };

interface LiveTypes {
  readonly context?: LiveContext;
  readonly events?: LiveEvent;
  readonly emitted?: LiveEmission;
}

const TYPES: LiveTypes = {};

export const liveMachine = setup({
  types: TYPES,
  actions: {
    moveCursor: assign(({ context, event }) => {
      if (event.type !== "move") throw new Error(`"${event.type}" moves nothing`);
      const { by, rows } = event;
      return { cursor: Math.max(0, Math.min(rows - 1, context.cursor + by)) };
    }),
    noteRow: assign(({ event }) => {
      if (event.type !== "end") throw new Error(`"${event.type}" has no row`);
      return { cursor: event.row };
    }),
    emitInterrupt: emit({ type: "interrupt" }),
    emitLeave: emit({ type: "leave" }),
    emitOpen: emit(({ context }) => ({ type: "open", row: context.cursor })),
  },
}).createMachine({
  id: "live",
  context: { cursor: 0 },
  initial: "working",
  on: { move: { actions: "moveCursor" } },
  states: {
    working: {
      on: {
        interrupt: { target: "left", actions: "emitInterrupt" },
        end: { target: "ended", actions: "noteRow" },
      },
    },
    ended: {
      on: {
        open: { actions: "emitOpen" },
        leave: { target: "left", actions: "emitLeave" },
        interrupt: { target: "left", actions: "emitLeave" },
      },
    },
    left: {},
  },
});
