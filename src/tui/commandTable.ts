/** The table of commands as Markdown: docs/tui.md holds it, and a test compares. */
import { GROUPS } from "./command.ts";
import { COMMANDS } from "./commands.ts";

export function commandTable(): string {
  const lines = ["| keys | command | what it does |", "|---|---|---|"];
  for (const group of GROUPS) {
    for (const { name, keys, argument, help } of COMMANDS.filter((one) => one.group === group)) {
      const typed = argument === undefined ? name : `${name} ${argument}`;
      const escaped = (text: string): string => text.replaceAll("|", "\\|");
      const shown = keys.map((key) => `\`${key}\``).join(" ");
      lines.push(`| ${escaped(shown)} | \`${escaped(typed)}\` | ${escaped(help)} |`);
    }
  }
  return lines.join("\n");
}
