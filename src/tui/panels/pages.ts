/** The pages of one VM as a map, and their sums. */
import {
  type Frame,
  type HeatFrame,
  PAGE_STATES,
  type PageFrame,
  type VmFrame,
} from "../../session/frame.ts";
import { aheadText, remarks } from "../ahead.ts";
import { type Area, type Line, piece } from "../canvas.ts";
import type { ScreenState } from "../screenState.ts";
import { short } from "../text.ts";
import type { Look } from "../themes.ts";
import type { UiEvent } from "../uiMachine.ts";
import type { Panel } from "./panel.ts";

const WORDS = {
  ".": "clean",
  r: "read",
  w: "dirty",
  p: "in log",
  l: "logged",
  b: "backup",
  h: "hot",
} as const;

/** Rows of text around the map. */
const TEXT_ROWS = 2;

/** Rows and columns of the map in an area. */
function mapOf({ width, height }: Area): Area {
  return { width, height: Math.max(0, height - TEXT_ROWS) };
}

/** @param page under the cursor; null = there is no cursor */
function pagesView(
  { heat, vms, page }: Pick<Frame, "heat" | "vms" | "page">,
  area: Area,
  look: Look,
): Line[] {
  const vm = vms[heat.vm]!;
  const map = mapOf(area);
  const cell = page === null ? -1 : Math.floor((page.page - heat.first) / heat.pagesPerCell);
  const head = page === null ? facts(vm, heat, area.width) : pageLine(page, heat);
  return [head, ...mapLines(heat, cell, map, look), legend(heat.states, look)];
}

/** Of the page under the cursor the most, in a line. */
function pageLine({ page, gpa, guest, entries, inLogs, marked }: PageFrame, heat: HeatFrame): Line {
  const { first, pagesPerCell, states } = heat;
  const tracked = [
    ...(inLogs.length > 0
      ? [`in the log of vcpu${inLogs.map(({ vcpu }) => vcpu).join(", ")}`]
      : []),
    ...(marked ? ["in the bitmap"] : []),
  ].join(", ");
  return [
    piece(`page ${page} `, "accent"),
    piece(`${gpa} ${entries.at(-1)?.flags ?? ""} ${guest} `),
    piece(tracked === "" ? "" : `${tracked} `, "warn"),
    piece(
      `; 1 cell = ${short(pagesPerCell)}, map ${first} to ${first + states.length * pagesPerCell - 1}`,
      "dim",
    ),
  ];
}

function facts(vm: VmFrame, { pagesPerCell }: HeatFrame, width: number): Line {
  const { name, pages, read, written, inBitmap, inBuffer, reported, technique, tracker } = vm;
  const text =
    width >= 60
      ? `${short(pages)} pages, ${short(read)} read, ${short(written)} written, ${short(inBitmap)} in the bitmap, ${short(inBuffer)} in the buffer, ${short(reported)} reported; `
      : `${short(written)} of ${short(pages)} written, `;
  return [
    piece(`${name} `, "accent"),
    piece(`${technique} ${tracker}${vm.paused ? ", paused" : ""}; `),
    piece(`${text}1 cell = ${short(pagesPerCell)}`, "dim"),
  ];
}

function mapLines(
  { states, levels }: HeatFrame,
  cursor: number,
  { width, height }: Area,
  { glyphs }: Look,
): Line[] {
  const lines: Line[] = [];
  for (let row = 0; row < height; row++) {
    const pieces = [];
    let from = row * width;
    const end = Math.min(states.length, from + width);
    while (from < end) {
      const state = states[from]!;
      let to = from;
      while (
        to < end &&
        states[to] === state &&
        (to === from || (to !== cursor && from !== cursor))
      )
        to++;
      pieces.push({ from, to, state });
      from = to;
    }
    lines.push(
      pieces.map(({ from, to, state }) => {
        const page = PAGE_STATES.find((one) => one === state)!;
        const few = levels.slice(from, to);
        // A cell of which only a few pages are in the state is a point in that state's colour.
        const text = [...few]
          .map((level) =>
            Number(level) <= 1 && page !== "." && page !== "p" ? glyphs.few : glyphs.pages[page],
          )
          .join("");
        return piece(text, from === cursor ? "selected" : `page.${page}`);
      }),
    );
  }
  return lines;
}

/** Of the states that are in the map. */
function legend(states: string, { glyphs }: Look): Line {
  return PAGE_STATES.filter((state) => states.includes(state)).flatMap((state) => [
    piece(glyphs.pages[state], `page.${state}`),
    piece(` ${WORDS[state]} `, "dim"),
  ]);
}

/** So many cells further, or back; the first page, if there was no cursor. */
export function choosePage({ frame: { heat, vms }, ui }: ScreenState, cells: number): UiEvent {
  const limit = (vms[heat.vm]?.pages ?? 1) - 1;
  const wished = ui.page + cells * heat.pagesPerCell;
  const page = ui.page < 0 ? heat.first : Math.max(0, Math.min(limit, wished));
  return { type: "choosePage", page };
}

/** For those who only read. */
function pagesInWords({ states }: HeatFrame): string {
  const counts = PAGE_STATES.map((state) => {
    const cells = [...states].filter((one) => one === state).length;
    return `${WORDS[state]} ${((100 * cells) / Math.max(1, states.length)).toFixed(0)} %`;
  });
  return counts.join(", ");
}

export const pagesPanel: Panel = {
  name: "pages",
  place: "pages",
  needs: ["heat", "vms", "page", "bursts"],
  wish: (_, rows) => (rows > 50 ? 22 : rows > 30 ? 10 : 5),
  head: 0,
  remark: ({ frame: { vms, heat, bursts }, ui, look }) =>
    remarks(
      vms.length > 1 ? `VM ${ui.vm + 1} of ${vms.length}` : "",
      aheadText(
        bursts.filter(({ vm }) => vm === heat.vm),
        look.glyphs,
      ),
    ),
  lines: ({ frame, look }, area) => pagesView(frame, area, look),
  // A row of the map up, or down.
  move: (state, by, { width }) => choosePage(state, by * width),
  // Into the map: the first page of the cell.
  click: ({ frame: { heat, vms } }, { column, row }, area) => {
    const { width, height } = mapOf(area);
    const cell = (row - 1) * width + column;
    const page = heat.first + cell * heat.pagesPerCell;
    const isIn = row >= 1 && row <= height && page < (vms[heat.vm]?.pages ?? 0);
    return isIn && cell < heat.states.length ? { type: "choosePage", page } : null;
  },
  asks: (area, { ui }) => {
    const { width, height } = mapOf(area);
    return {
      vm: ui.vm,
      cells: Math.max(1, width * height),
      page: ui.page < 0 ? null : ui.page,
      magnified: ui.magnified,
    };
  },
  sentences: ({ frame: { vms, heat } }) => [
    `Pages of ${vms[heat.vm]?.name ?? ""}: ${pagesInWords(heat)}.`,
  ],
};
