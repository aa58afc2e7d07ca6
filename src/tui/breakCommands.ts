/** What commands do with breakpoints: rows of the table of commands (commands.ts). */
import { breakpointWords } from "../session/breakpoints.ts";
import type { Command } from "./command.ts";

export const BREAK_COMMANDS: readonly Command[] = [
  {
    name: "break",
    keys: ["x"],
    group: "run",
    hint: "break",
    help: "stop at: message TYPE, actor NAME STATE, page [VM:]NUMBER [written|marked|buffered], property missed|crashed, when NUMBER > 0 (pages-lost, log-full, vcpu0:in-logs, ...)",
    argument: "WHERE",
    words: breakpointWords,
    run: (to, text) => {
      if (text === "") to.ui({ type: "openPalette", text: "break " });
      else to.breaks.add(text);
    },
  },
  {
    name: "clear-breaks",
    keys: ["X"],
    group: "run",
    hint: "",
    help: "remove all breakpoints",
    run: (to) => to.breaks.removeAll(),
  },
  {
    name: "breaks",
    keys: ["L"],
    group: "run",
    reach: "panels",
    hint: "",
    help: "the breakpoints, and what each watches now; up and down choose one",
    run: (to) => to.choosePanel("breaks"),
  },
  {
    name: "toggle-break",
    keys: ["o"],
    group: "run",
    panels: ["breaks"],
    reach: "panels",
    hint: "",
    help: "the breakpoint that is chosen, or of that number, off or on",
    argument: "[NUMBER]",
    run: (to, number) => to.breaks.toggle(number),
  },
  {
    name: "remove-break",
    keys: ["d"],
    group: "run",
    panels: ["breaks"],
    reach: "panels",
    hint: "",
    help: "remove the breakpoint that is chosen, or that of a number",
    argument: "[NUMBER]",
    run: (to, number) => to.breaks.remove(number),
  },
];
