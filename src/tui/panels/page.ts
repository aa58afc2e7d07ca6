/** The page under the cursor of the map: all that is known of it. */
import type { PageFrame } from "../../session/frame.ts";
import { type Line, line, piece } from "../canvas.ts";
import type { Panel } from "./panel.ts";

const LABEL = 11;

function pageView(page: PageFrame | null, vm: string): Line[] {
  if (page === null) return [line("no page: 4, then up, down, or :page NUMBER", "dim")];
  const fact = (label: string, text: string): Line => [
    piece(label.padEnd(LABEL), "dim"),
    piece(text),
  ];
  return [
    [piece(`page ${page.page} `, "accent"), piece(`of ${vm}, GPA ${page.gpa}`)],
    fact("guest", page.guest),
    ...page.entries.map(({ level, entry, flags }) => fact(`level ${level}`, `${flags} ${entry}`)),
    fact("log", logText(page)),
    fact("bitmap", page.marked ? "in this round's" : "not in this round's"),
    fact("buffer", page.buffered === 0 ? "not there" : `${page.buffered} times`),
    fact("harvests", page.reported ? "reported" : "not reported yet"),
  ];
}

function logText({ inLogs }: PageFrame): string {
  if (inLogs.length === 0) return "in none";
  return inLogs
    .map(({ vcpu, times }) => `vcpu${vcpu}${times === 1 ? "" : ` (${times} times)`}`)
    .join(", ");
}

export const pagePanel: Panel = {
  name: "page",
  place: "operation",
  needs: ["page", "vms"],
  wish: ({ page }) => (page === null ? 4 : 6 + page.entries.length),
  greedy: true,
  head: 1,
  lines: ({ frame: { page, vms } }) =>
    pageView(page, page === null ? "" : (vms[page.vm]?.name ?? "")),
  sentences: ({ frame: { page } }) =>
    page === null
      ? ["No page is chosen."]
      : [`Page ${page.page}: ${page.guest}, log: ${logText(page)}.`],
};
