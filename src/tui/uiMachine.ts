/**
 * The state of the screen, apart from the machine that it shows: what has the focus, what is selected,
 * what is being typed. Flat like all machines here; what it cannot do itself it emits as a command line.
 *
 *   state     | event                  | next      | emits
 *   ----------|------------------------|-----------|---------------------------
 *   panels    | openHelp               | help      | -
 *   panels    | openPalette            | palette   | -
 *   panels    | openFilter             | filter    | -
 *   panels    | openActors             | actors    | -
 *   panels    | openMessage            | message   | -
 *   panels    | focus, zoom, move      | panels    | -
 *   palette   | type, erase            | palette   | -
 *   palette   | submit                 | panels    | command: what was typed
 *   filter    | type, erase            | filter    | -
 *   filter    | submit                 | panels    | command: filter, what was typed; or all
 *   any       | ask                    | question  | -
 *   question  | close                  | panels    | -
 *   actors    | move                   | actors    | -
 *   message   | move                   | message   | -
 *   any other | close                  | panels    | -
 */
import { assign, emit, setup } from "xstate";

export interface UiInput {
  /** Panels in the order of the focus. */
  readonly panels: readonly string[];
}

export interface UiContext extends UiInput {
  readonly focus: number;
  readonly zoomed: boolean;
  /** What has been typed into the palette or the filter. */
  readonly typed: string;
  /** The position under the cursor of the stream; -1 = it follows the present. */
  readonly cursor: number;
  /** Actor in the list. */
  readonly actor: number;
  /** First row of a view that is longer than the screen. */
  readonly scroll: number;
  readonly vm: number;
  /** What is asked, with the keys that answer it. */
  readonly question: string;
}

export type UiEvent =
  | { readonly type: "focus"; readonly by: number }
  | { readonly type: "zoom" }
  | { readonly type: "openHelp" }
  | { readonly type: "openPalette"; readonly text: string }
  | { readonly type: "openFilter"; readonly text: string }
  | { readonly type: "openActors" }
  | { readonly type: "ask"; readonly question: string }
  | { readonly type: "openMessage"; readonly position: number }
  | { readonly type: "close" }
  | { readonly type: "type"; readonly text: string }
  | { readonly type: "erase" }
  | { readonly type: "submit" }
  /** `limit`: the last position there is, or the number of actors. */
  | { readonly type: "move"; readonly by: number; readonly limit: number }
  | { readonly type: "scroll"; readonly by: number }
  | { readonly type: "follow" }
  | { readonly type: "chooseVm"; readonly vm: number };
type Of<T extends UiEvent["type"]> = Extract<UiEvent, { type: T }>;

export interface CommandEmission {
  readonly type: "command";
  readonly text: string;
}

const TYPED_MAX = 200;

export const uiMachine = setup({
  types: {
    context: {} as UiContext,
    events: {} as UiEvent,
    input: {} as UiInput,
    emitted: {} as CommandEmission,
  },
  actions: {
    moveFocus: assign({
      focus: ({ context, event }) => {
        const count = context.panels.length;
        return (context.focus + (event as Of<"focus">).by + count) % count;
      },
    }),
    toggleZoom: assign({ zoomed: ({ context }) => !context.zoomed }),
    beginTyping: assign({
      typed: ({ event }) => (event as Of<"openPalette" | "openFilter">).text,
    }),
    addTyped: assign({
      typed: ({ context, event }) =>
        `${context.typed}${(event as Of<"type">).text}`.slice(0, TYPED_MAX),
    }),
    eraseTyped: assign({ typed: ({ context }) => context.typed.slice(0, -1) }),
    noteQuestion: assign({ question: ({ event }) => (event as Of<"ask">).question }),
    beginScroll: assign({ scroll: 0 }),
    moveScroll: assign({
      scroll: ({ context, event }) => Math.max(0, context.scroll + (event as Of<"scroll">).by),
    }),
    pointAt: assign({ cursor: ({ event }) => (event as Of<"openMessage">).position, scroll: 0 }),
    moveCursor: assign({
      cursor: ({ context, event }) => {
        const { by, limit } = event as Of<"move">;
        const from = context.cursor < 0 ? limit : context.cursor;
        const to = Math.max(1, from + by);
        return to > limit || (context.cursor < 0 && by > 0) ? -1 : to;
      },
    }),
    moveActor: assign({
      scroll: 0,
      actor: ({ context, event }) => {
        const { by, limit } = event as Of<"move">;
        return Math.max(0, Math.min(limit - 1, context.actor + by));
      },
    }),
    follow: assign({ cursor: -1 }),
    noteVm: assign({ vm: ({ event }) => (event as Of<"chooseVm">).vm }),
    emitCommand: emit(({ context }) => ({ type: "command", text: context.typed })),
    emitFilter: emit(({ context: { typed } }) => ({
      type: "command",
      text: typed === "" ? "all" : `filter ${typed}`,
    })),
  },
}).createMachine({
  id: "ui",
  context: ({ input }) => ({
    ...input,
    focus: 0,
    zoomed: false,
    typed: "",
    cursor: -1,
    actor: 0,
    scroll: 0,
    vm: 0,
    question: "",
  }),
  initial: "panels",
  on: {
    chooseVm: { actions: "noteVm" },
    follow: { actions: "follow" },
    scroll: { actions: "moveScroll" },
    openHelp: { target: ".help", actions: "beginScroll" },
    openPalette: { target: ".palette", actions: "beginTyping" },
    openActors: { target: ".actors", actions: "beginScroll" },
    ask: { target: ".question", actions: "noteQuestion" },
    openMessage: { target: ".message", actions: "pointAt" },
  },
  states: {
    panels: {
      on: {
        focus: { actions: "moveFocus" },
        zoom: { actions: "toggleZoom" },
        move: { actions: "moveCursor" },
        openFilter: { target: "filter", actions: "beginTyping" },
        close: { actions: "follow" },
      },
    },
    question: { on: { close: { target: "panels" } } },
    help: { on: { close: { target: "panels" } } },
    palette: {
      on: {
        type: { actions: "addTyped" },
        erase: { actions: "eraseTyped" },
        submit: { target: "panels", actions: "emitCommand" },
        close: { target: "panels" },
      },
    },
    filter: {
      on: {
        type: { actions: "addTyped" },
        erase: { actions: "eraseTyped" },
        submit: { target: "panels", actions: "emitFilter" },
        close: { target: "panels" },
      },
    },
    actors: { on: { move: { actions: "moveActor" }, close: { target: "panels" } } },
    message: {
      on: { move: { actions: "moveCursor" }, close: { target: "panels", actions: "follow" } },
    },
  },
});
