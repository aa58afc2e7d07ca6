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
 *   any       | openChart              | chart     | -
 *   panels    | focus, turn, zoom      | panels    | -
 *   panels    | choosePanel, move      | panels    | -
 *   panels    | scrollPanel            | panels    | -
 *   panels    | openArranging          | arranging | -
 *   arranging | focus, turn            | arranging | -
 *   arranging | choosePanel            | arranging | -
 *   any       | arrange, grip          | (same)    | -
 *   palette   | edit, complete, recall | palette   | -
 *   palette   | submit                 | panels    | command: what was typed
 *   filter    | edit, recall           | filter    | -
 *   filter    | submit                 | panels    | command: filter, what was typed; or all
 *   panels    | openTyping             | typing    | -
 *   typing    | edit, recall           | typing    | -
 *   typing    | submit                 | typing    | command: type, what was typed
 *   any       | ask                    | question  | -
 *   question  | close                  | panels    | -
 *   actors    | move                   | actors    | -
 *   message   | move                   | message   | -
 *   help      | openFilter             | searching | -
 *   searching | edit                   | searching | -
 *   searching | submit, close          | help      | -
 *   any other | close                  | panels    | -
 */
import { assign, emit, setup } from "xstate";
import { type Arrangements, AT_START, type Grip } from "./arrangement.ts";
import { type EditedLine, edited, lineOf } from "./lineEditor.ts";
import { FRESH, type Histories, noted, recalled } from "./lineHistory.ts";

export interface UiInput {
  /** Panels in the order of the focus. */
  readonly panels: readonly string[];
  /** By panel: where it stands. Of those of one place one is in front. */
  readonly places: readonly string[];
}

export interface UiContext extends UiInput {
  /** Of the panels; -1 = nobody has it. */
  readonly focus: number;
  /** Panels that are in front, one of each place. */
  readonly fronts: readonly string[];
  readonly zoomed: boolean;
  /** Where the panels stand, and how large they are. */
  readonly arrangements: Arrangements;
  /** What the mouse has hold of; null = nothing. */
  readonly grip: Grip | null;
  /** What is being typed into the palette or the filter. */
  readonly line: EditedLine;
  /** What was typed there before. */
  readonly histories: Histories;
  /** The position under the cursor of the stream; -1 = it follows the present. */
  readonly cursor: number;
  /** Whether alike messages to oneself are one row of the lanes. */
  readonly folded: boolean;
  /** Actor in the list. */
  readonly actor: number;
  /** First row of a view that is longer than the screen; FOLLOWS = where the view has what is to be seen. */
  readonly scroll: number;
  /** By panel: first row of contents that are longer than it. */
  readonly scrolls: readonly number[];
  readonly vm: number;
  /** The page under the cursor of the map; -1 = there is no cursor. */
  readonly page: number;
  /** How often the map is magnified around it. */
  readonly magnified: number;
  /** The first plot that is shown, how often it is halved in time, and how many quarters of what is left it ends early. */
  readonly plot: { readonly chosen: number; readonly zoom: number; readonly back: number };
  /** The breakpoint under the cursor of their list, from 0; it may be beyond the last one. */
  readonly breakpoint: number;
  /** What the help is searched for; "" = all of it is shown. */
  readonly sought: string;
  /** What is asked, with the keys that answer it. */
  readonly question: string;
}

/** In place of a row: the view finds it itself. */
export const FOLLOWS = -1;

export type UiEvent =
  /** To the next panel in front, or the one before. */
  | { readonly type: "focus"; readonly by: number }
  /** The panel gets the focus, and comes to the front. */
  | { readonly type: "choosePanel"; readonly panel: number }
  /** The next panel of the focused one's place, or the one before. */
  | { readonly type: "turn"; readonly by: number }
  | { readonly type: "zoom" }
  /** Keys arrange the panels, until it is closed. */
  | { readonly type: "openArranging" }
  | { readonly type: "arrange"; readonly arrangements: Arrangements }
  | { readonly type: "grip"; readonly grip: Grip | null }
  | { readonly type: "openHelp" }
  | { readonly type: "openPalette"; readonly text: string }
  | { readonly type: "openFilter"; readonly text: string }
  /** Keys go to the guest's console, line by line. */
  | { readonly type: "openTyping" }
  | { readonly type: "openActors" }
  /** The statechart of the actor in the list, or of another one. */
  | { readonly type: "openChart"; readonly actor?: number }
  | { readonly type: "ask"; readonly question: string }
  | { readonly type: "openMessage"; readonly position: number }
  | { readonly type: "close" }
  /** A key, and what it types. */
  | { readonly type: "edit"; readonly key: string; readonly text: string }
  | { readonly type: "complete"; readonly line: EditedLine }
  /** 1: the line before, in that prompt's history. */
  | { readonly type: "recall"; readonly by: number }
  | { readonly type: "submit" }
  /** `limit`: the last position there is, or the number of actors. */
  | { readonly type: "move"; readonly by: number; readonly limit: number }
  /** `limit`: the last row that a view, or the focused panel, can begin with. */
  | { readonly type: "scroll"; readonly by: number; readonly limit: number; readonly from?: number }
  | { readonly type: "scrollPanel"; readonly by: number; readonly limit: number }
  | { readonly type: "follow" }
  | { readonly type: "fold" }
  /** A page of the VM that is shown. */
  | { readonly type: "choosePage"; readonly page: number }
  | { readonly type: "magnify"; readonly by: number; readonly limit: number }
  /** `limit`: how many there are; how often it can be halved; how many quarters there are before. */
  | { readonly type: "choosePlot"; readonly by: number; readonly limit: number }
  | { readonly type: "zoomPlot"; readonly by: number; readonly limit: number }
  | { readonly type: "shiftPlot"; readonly by: number; readonly limit: number }
  /** `limit`: how many there are. */
  | { readonly type: "chooseBreak"; readonly by: number; readonly limit: number }
  /** To a message, without opening it. */
  | { readonly type: "point"; readonly position: number }
  | { readonly type: "chooseVm"; readonly vm: number };
type Named<Type extends UiEvent["type"]> = Extract<UiEvent, { type: Type }>;

export interface CommandEmission {
  readonly type: "command";
  readonly text: string;
}

/** From where a view is that may have become shorter. */
function scrolledBy(scroll: number, { by, limit }: Named<"scroll" | "scrollPanel">): number {
  return Math.max(0, Math.min(limit, Math.min(scroll, limit) + by));
}

/** The next one that may be taken, round and round. */
function next(from: number, by: number, may: readonly boolean[]): number {
  let at = from;
  do at = (at + by + may.length) % may.length;
  while (at !== from && may[at] !== true);
  return at;
}

/** A panel with the focus, in front of the others of its place. */
function fronted(
  { panels, places, fronts }: Pick<UiContext, "panels" | "places" | "fronts">,
  focus: number,
): Pick<UiContext, "focus" | "fronts"> {
  const others = fronts.filter((name) => places[panels.indexOf(name)] !== places[focus]);
  return { focus, fronts: [...others, panels[focus] ?? ""] };
}

/** The first of each place. */
function firstFronts({ panels, places }: UiInput): string[] {
  return panels.filter((_, panel) => places.indexOf(places[panel] ?? "") === panel);
}

/** As the screen is opened. */
export function uiContext(input: UiInput): UiContext {
  return {
    ...input,
    focus: 0,
    fronts: firstFronts(input),
    zoomed: false,
    arrangements: AT_START,
    grip: null,
    line: lineOf(""),
    histories: FRESH,
    cursor: -1,
    folded: true,
    actor: 0,
    scroll: 0,
    scrolls: input.panels.map(() => 0),
    vm: 0,
    page: -1,
    magnified: 0,
    plot: { chosen: 0, zoom: 0, back: 0 },
    breakpoint: 0,
    sought: "",
    question: "",
  };
}

interface UiTypes {
  readonly context: UiContext;
  readonly events: UiEvent;
  readonly input: UiInput;
  readonly emitted: CommandEmission;
}

function isOf<Type extends UiEvent["type"]>(
  event: UiEvent,
  types: readonly Type[],
): event is Named<Type> {
  return types.some((type) => type === event.type);
}

/** An event that an action reads, as one of these kinds. @throws if the action is wired to another */
function read<Type extends UiEvent["type"]>(event: UiEvent, ...types: Type[]): Named<Type> {
  if (!isOf(event, types)) throw new Error(`"${event.type}" is not "${types.join('" or "')}"`);
  return event;
}

export const uiMachine = setup({
  types: {} as UiTypes,
  actions: {
    moveFocus: assign({
      focus: ({ context: { focus, panels, fronts }, event }) =>
        next(
          focus,
          read(event, "focus").by,
          panels.map((name) => fronts.includes(name)),
        ),
    }),
    turnPlace: assign(({ context, event }) => {
      const { focus, places, panels, fronts } = context;
      const here = places.map((place) => place === places[focus]);
      // Alone at its place: the next one that waits for its turn anywhere.
      const isAlone = here.filter((one) => one).length === 1;
      const there = isAlone ? panels.map((name) => !fronts.includes(name)) : here;
      return fronted(context, next(focus, read(event, "turn").by, there));
    }),
    focusOn: assign(({ context, event }) => fronted(context, read(event, "choosePanel").panel)),
    noteArrangements: assign({
      arrangements: ({ event }) => read(event, "arrange").arrangements,
    }),
    noteGrip: assign({ grip: ({ event }) => read(event, "grip").grip }),
    toggleZoom: assign({ zoomed: ({ context }) => !context.zoomed }),
    beginTyping: assign({
      line: ({ event }) => lineOf(read(event, "openPalette", "openFilter").text),
    }),
    clearLine: assign({ line: () => lineOf("") }),
    editLine: assign({
      line: ({ context, event }) => {
        const { key, text } = read(event, "edit");
        return edited(context.line, key, text);
      },
    }),
    completeLine: assign({ line: ({ event }) => read(event, "complete").line }),
    recallCommand: assign(({ context, event }) =>
      recalled("palette", context, read(event, "recall").by),
    ),
    recallFilter: assign(({ context, event }) =>
      recalled("filter", context, read(event, "recall").by),
    ),
    recallTyped: assign(({ context, event }) =>
      recalled("typing", context, read(event, "recall").by),
    ),
    noteTyped: assign(({ context }) => noted("typing", context)),
    noteCommand: assign(({ context }) => noted("palette", context)),
    noteFilter: assign(({ context }) => noted("filter", context)),
    noteQuestion: assign({ question: ({ event }) => read(event, "ask").question }),
    beginScroll: assign({ scroll: 0 }),
    noteActor: assign({
      scroll: FOLLOWS,
      actor: ({ context, event }) => read(event, "openChart").actor ?? context.actor,
    }),
    moveScroll: assign({
      scroll: ({ context, event }) => {
        const scroll = read(event, "scroll");
        return scrolledBy(scroll.from ?? context.scroll, scroll);
      },
    }),
    movePanelScroll: assign({
      scrolls: ({ context: { scrolls, focus }, event }) =>
        scrolls.map((scroll, panel) =>
          panel === focus ? scrolledBy(scroll, read(event, "scrollPanel")) : scroll,
        ),
    }),
    pointAt: assign({
      cursor: ({ event }) => read(event, "openMessage", "point").position,
      scroll: 0,
    }),
    toggleFold: assign({ folded: ({ context }) => !context.folded }),
    moveCursor: assign({
      cursor: ({ context, event }) => {
        const { by, limit } = read(event, "move");
        const from = context.cursor < 0 ? limit : context.cursor;
        const to = Math.max(1, from + by);
        return to > limit || (context.cursor < 0 && by > 0) ? -1 : to;
      },
    }),
    moveActor: assign({
      scroll: 0,
      actor: ({ context, event }) => {
        const { by, limit } = read(event, "move");
        return Math.max(0, Math.min(limit - 1, context.actor + by));
      },
    }),
    follow: assign({ cursor: -1 }),
    noteVm: assign({
      vm: ({ event }) => read(event, "chooseVm").vm,
      page: -1,
      magnified: 0,
    }),
    notePage: assign({ page: ({ event }) => read(event, "choosePage").page }),
    magnify: assign({
      page: ({ context }) => Math.max(0, context.page),
      magnified: ({ context, event }) => {
        const { by, limit } = read(event, "magnify");
        return Math.max(0, Math.min(limit, context.magnified + by));
      },
    }),
    choosePlot: assign({
      plot: ({ context: { plot }, event }) => {
        const { by, limit } = read(event, "choosePlot");
        return { ...plot, chosen: Math.max(0, Math.min(limit - 1, plot.chosen + by)) };
      },
    }),
    zoomPlot: assign({
      plot: ({ context: { plot }, event }) => {
        const { by, limit } = read(event, "zoomPlot");
        const zoom = Math.max(0, Math.min(limit, plot.zoom + by));
        if (zoom === plot.zoom) return plot;
        // The middle stays; at the end, the end does.
        const back = plot.back === 0 ? 0 : by > 0 ? 2 * plot.back + 2 : plot.back / 2 - 1;
        return { ...plot, zoom, back: Math.max(0, Math.floor(back)) };
      },
    }),
    shiftPlot: assign({
      plot: ({ context: { plot }, event }) => {
        const { by, limit } = read(event, "shiftPlot");
        return { ...plot, back: Math.max(0, Math.min(limit, plot.back - by)) };
      },
    }),
    chooseBreak: assign({
      breakpoint: ({ context: { breakpoint }, event }) => {
        const { by, limit } = read(event, "chooseBreak");
        return Math.max(0, Math.min(limit - 1, Math.min(breakpoint, limit - 1) + by));
      },
    }),
    noteSought: assign({ sought: ({ context }) => context.line.text, scroll: 0 }),
    forgetSought: assign({ sought: "", scroll: 0 }),
    emitCommand: emit(({ context }) => ({ type: "command", text: context.line.text })),
    // Enter alone is a line, too.
    emitTyped: emit(({ context: { line } }) => ({
      type: "command",
      text: `type ${line.text.trim() === "" ? "^M" : line.text}`,
    })),
    emitFilter: emit(({ context: { line } }) => ({
      type: "command",
      text: line.text === "" ? "all" : `filter ${line.text}`,
    })),
  },
}).createMachine({
  id: "ui",
  context: ({ input }) => uiContext(input),
  initial: "panels",
  on: {
    chooseVm: { actions: "noteVm" },
    follow: { actions: "follow" },
    fold: { actions: "toggleFold" },
    arrange: { actions: "noteArrangements" },
    grip: { actions: "noteGrip" },
    choosePage: { actions: "notePage" },
    magnify: { actions: "magnify" },
    choosePlot: { actions: "choosePlot" },
    zoomPlot: { actions: "zoomPlot" },
    shiftPlot: { actions: "shiftPlot" },
    chooseBreak: { actions: "chooseBreak" },
    point: { actions: "pointAt" },
    scroll: { actions: "moveScroll" },
    openHelp: { target: ".help", actions: ["beginScroll", "forgetSought"] },
    openPalette: { target: ".palette", actions: "beginTyping" },
    openActors: { target: ".actors", actions: "beginScroll" },
    openChart: { target: ".chart", actions: "noteActor" },
    ask: { target: ".question", actions: "noteQuestion" },
    openMessage: { target: ".message", actions: "pointAt" },
  },
  states: {
    panels: {
      on: {
        focus: { actions: "moveFocus" },
        turn: { actions: "turnPlace" },
        choosePanel: { actions: "focusOn" },
        zoom: { actions: "toggleZoom" },
        openArranging: { target: "arranging" },
        move: { actions: "moveCursor" },
        scrollPanel: { actions: "movePanelScroll" },
        openFilter: { target: "filter", actions: "beginTyping" },
        openTyping: { target: "typing", actions: "clearLine" },
        close: { actions: "follow" },
      },
    },
    arranging: {
      on: {
        focus: { actions: "moveFocus" },
        turn: { actions: "turnPlace" },
        choosePanel: { actions: "focusOn" },
        close: { target: "panels" },
      },
    },
    question: { on: { close: { target: "panels" } } },
    help: {
      on: {
        openFilter: { target: "searching", actions: "beginTyping" },
        close: { target: "panels" },
      },
    },
    searching: {
      on: {
        edit: { actions: ["editLine", "noteSought"] },
        submit: { target: "help" },
        close: { target: "help", actions: "forgetSought" },
      },
    },
    palette: {
      on: {
        edit: { actions: "editLine" },
        complete: { actions: "completeLine" },
        recall: { actions: "recallCommand" },
        submit: { target: "panels", actions: ["emitCommand", "noteCommand"] },
        close: { target: "panels" },
      },
    },
    filter: {
      on: {
        edit: { actions: "editLine" },
        recall: { actions: "recallFilter" },
        submit: { target: "panels", actions: ["emitFilter", "noteFilter"] },
        close: { target: "panels" },
      },
    },
    typing: {
      on: {
        edit: { actions: "editLine" },
        recall: { actions: "recallTyped" },
        submit: { actions: ["emitTyped", "noteTyped", "clearLine"] },
        close: { target: "panels" },
      },
    },
    chart: { on: { close: { target: "panels" } } },
    actors: { on: { move: { actions: "moveActor" }, close: { target: "panels" } } },
    message: {
      on: { move: { actions: "moveCursor" }, close: { target: "panels", actions: "follow" } },
    },
  },
});
