/**
 * The picture of a machine, from its definition alone: a box a state, an arrow for all ways from one state to another. Ways
 * that stay in a state are a number in its box; what a machine takes in every state leaves a box of its own.
 */
import { itemAt, present } from "../../lookup.ts";
import type { ChartState } from "../../session/frame.ts";
import type { Line } from "../canvas.ts";
import type { Look, StyleName } from "../themes.ts";
import { type Drawing, drawn, LABEL_INSET, leastWidth, Way } from "./drawing.ts";
import { layered } from "./layering.ts";

/** Labels as long as there is room for, and shorter and shorter ones where there is not. */
const LABELS = [32, 26, 20, 16, 12, 9, 6, 0] as const;
/** Beside a state's name. */
const BOX_MARGIN = 4;

interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly events: readonly string[];
}

/** A state's box, and an arrow, of a picture of this width at most, if that can be. */
export interface Statechart {
  readonly states: readonly ChartState[];
  readonly arrows: readonly Arrow[];
  readonly label: number;
  readonly drawing: Drawing;
}

/** A step of a machine, from state to state. */
export interface Taken {
  readonly from: string;
  readonly to: string;
}

const kept = new WeakMap<readonly ChartState[], Map<number, Statechart>>();

/** Laid out once for each width. */
export function statechartOf(states: readonly ChartState[], width: number): Statechart {
  const known = kept.get(states) ?? new Map<number, Statechart>();
  kept.set(states, known);
  const made = known.get(width) ?? fitting(states, width);
  known.set(width, made);
  return made;
}

/** With labels as long as the width allows; the narrowest there is, if none is narrow enough. */
function fitting(states: readonly ChartState[], width: number): Statechart {
  const arrows = arrowsOf(states);
  let narrowest: Statechart | null = null;
  for (const label of LABELS) {
    const chart = { states, arrows, label, drawing: draw(states, arrows, label) };
    if (chart.drawing.width <= width) return chart;
    if (narrowest === null || chart.drawing.width < narrowest.drawing.width) narrowest = chart;
  }
  return present(narrowest, "a label that is tried");
}

/** From state to state, with the events that take it there. */
function arrowsOf(states: readonly ChartState[]): Arrow[] {
  const arrows = new Map<string, { from: string; to: string; events: string[] }>();
  for (const { name, transitions } of states) {
    for (const { event, guard, target } of transitions) {
      if (target === "" || target === name) continue;
      const key = `${name} ${target}`;
      const arrow = arrows.get(key) ?? { from: name, to: target, events: [] };
      arrows.set(key, arrow);
      arrow.events.push(wayText(event, guard));
    }
  }
  return [...arrows.values()];
}

/** As in UML: what needs no event has its guard alone. */
function wayText(event: string, guard: string): string {
  const isAtOnce = event === "always";
  if (guard === "") return isAtOnce ? "at once" : event;
  return isAtOnce ? `[${guard}]` : `${event} [${guard}]`;
}

function staysOf({ name, transitions }: ChartState): number {
  return transitions.filter(({ target }) => target === "" || target === name).length;
}

function boxText(state: ChartState, stays: string): string {
  const count = staysOf(state);
  const name = state.name === "any" ? "any state" : state.name;
  return count === 0 ? name : `${name} ${stays}${count}`;
}

/** Of the events as many as there is room for; at least the beginning of the first. */
function labelText({ events }: Arrow, most: number, ellipsis: string): string {
  if (most === 0) return "";
  const names = [...new Set(events.map((event) => event.replace(/ \[.*/, "")))];
  const texts = [events.join(", "), names.join(", ")];
  const found = texts.find((text) => text.length <= most);
  return found ?? `${names.join(", ").slice(0, most - 1)}${ellipsis}`;
}

function draw(states: readonly ChartState[], arrows: readonly Arrow[], label: number): Drawing {
  const nodes = states.map((state) => {
    const edges = arrows.filter(({ from, to }) => from === state.name || to === state.name).length;
    const text = boxText(state, "x").length + BOX_MARGIN;
    return { name: state.name, width: Math.max(text, leastWidth(edges)) };
  });
  const edges = arrows.map((arrow) => {
    const { length } = labelText(arrow, label, ".");
    return { from: arrow.from, to: arrow.to, labelWidth: length === 0 ? 0 : length + LABEL_INSET };
  });
  return drawn(layered(nodes, edges));
}

interface Cell {
  ways: number;
  text: string;
  style: StyleName;
}

/** @param current the state that is lit @param taken steps that are lit */
export function statechartLines(
  { states, arrows, label, drawing }: Statechart,
  current: string,
  taken: readonly Taken[],
  { glyphs }: Look,
): Line[] {
  const { width, height, boxes, paths } = drawing;
  const grid = Array.from({ length: height }, () =>
    Array.from({ length: width }, (): Cell => ({ ways: 0, text: " ", style: "border" })),
  );
  const write = (column: number, row: number, text: string, style: StyleName): void => {
    [...text].forEach((one, i) => {
      const cell = grid[row]?.[column + i];
      if (cell !== undefined) Object.assign(cell, { ways: 0, text: one, style });
    });
  };
  const join = (column: number, row: number, ways: number, style: StyleName): void => {
    const cell = grid[row]?.[column];
    if (cell === undefined) return;
    cell.ways |= ways;
    Object.assign(cell, { text: glyphs.joints[cell.ways] ?? " ", style });
  };
  for (const { node, column, row, width: wide } of boxes) {
    const state = itemAt(states, node);
    const style = state.name === current ? "focus" : "border";
    boxFrame({ column, row, width: wide }, (x, y, ways) => join(x, y, ways, style));
    const text = boxText(state, glyphs.stays);
    const left = column + Math.floor((wide - text.length) / 2);
    write(left, row + 1, text, state.name === current ? "selected" : "text");
  }
  const isTaken = (edge: number): boolean => {
    const { from, to } = itemAt(arrows, edge);
    return taken.some((one) => one.to === to && (one.from === from || from === "any"));
  };
  // What is lit is drawn last, over what it crosses.
  const ordered = paths.toSorted((a, b) => Number(isTaken(a.edge)) - Number(isTaken(b.edge)));
  for (const { edge, strokes, label: at } of ordered) {
    const lit = isTaken(edge);
    for (const { column, row, ways } of strokes) join(column, row, ways, lit ? "key" : "dim");
    const text = labelText(itemAt(arrows, edge), label, glyphs.ellipsis);
    if (at !== null) write(at.column, at.row, text, lit ? "key" : "text");
  }
  for (const { edge, head } of ordered) {
    const glyph = head.isUp ? glyphs.heads.up : glyphs.heads.down;
    write(head.column, head.row, glyph, isTaken(edge) ? "key" : "dim");
  }
  return grid.map((row) => row.map(({ text, style }) => ({ text, style })));
}

function boxFrame(
  { column, row, width }: { readonly column: number; readonly row: number; readonly width: number },
  join: (column: number, row: number, ways: number) => void,
): void {
  const [right, bottom] = [column + width - 1, row + 2];
  for (let x = column; x <= right; x++) {
    const along = (x > column ? Way.left : 0) | (x < right ? Way.right : 0);
    const isCorner = x === column || x === right;
    join(x, row, along | (isCorner ? Way.down : 0));
    join(x, bottom, along | (isCorner ? Way.up : 0));
    if (isCorner) join(x, row + 1, Way.up | Way.down);
  }
}
