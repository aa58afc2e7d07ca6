/** A run as a Mermaid sequence diagram. */
import { visible } from "../../io/visible.ts";
import { messageText, type Trace } from "../trace.ts";

/** Text for a Markdown block of language "mermaid". */
export function mermaidDiagram({ steps, cycleFrom, property }: Trace): string {
  const names: string[] = [];
  for (const { from, to } of steps) {
    for (const name of [from, to]) if (name !== "" && !names.includes(name)) names.push(name);
  }
  const id = (name: string): string => `p${names.indexOf(name)}`;
  const lines = [
    "sequenceDiagram",
    "  autonumber",
    ...names.map((name) => `  participant ${id(name)} as ${plain(name)}`),
  ];
  steps.forEach(({ from, to, message, choice, broken }, i) => {
    if (i === cycleFrom) lines.push("  loop for ever");
    const sender = from === "" ? to : from;
    lines.push(`  ${id(sender)}->>${id(to)}: ${plain(messageText(message))}`);
    if (choice !== "") lines.push(`  Note over ${id(to)}: the guest ${plain(choice)}`);
    for (const name of broken) lines.push(`  Note over ${id(to)}: breaks "${plain(name)}"`);
  });
  if (cycleFrom >= 0) lines.push("  end");
  lines.push(`  %% ${plain(property)}`);
  return `${lines.join("\n")}\n`;
}

/** In one line, without what Mermaid or a browser reads as its own. */
function plain(text: string): string {
  return visible(text).replace(/[;#:<>&%{}]/g, ",");
}
