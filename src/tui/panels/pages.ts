/** The pages of one VM as a map, and their sums. */
import { type Frame, type HeatFrame, PAGE_STATES, type VmFrame } from "../../session/frame.ts";
import { aheadText, remarks } from "../ahead.ts";
import { type Area, type Line, piece } from "../canvas.ts";
import { short } from "../text.ts";
import type { Look } from "../themes.ts";
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

function pagesView({ heat, vms }: Pick<Frame, "heat" | "vms">, area: Area, look: Look): Line[] {
  const vm = vms[heat.vm]!;
  const map = mapOf(area);
  return [facts(vm, heat, area.width), ...mapLines(heat, map, look), legend(heat.states, look)];
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
      while (to < end && states[to] === state) to++;
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
        return piece(text, `page.${page}`);
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
  needs: ["heat", "vms", "bursts"],
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
  asks: (area, { ui }) => {
    const { width, height } = mapOf(area);
    return { vm: ui.vm, cells: Math.max(1, width * height) };
  },
  sentences: ({ frame: { vms, heat } }) => [
    `Pages of ${vms[heat.vm]?.name ?? ""}: ${pagesInWords(heat)}.`,
  ],
};
