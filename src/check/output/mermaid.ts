/** A run as a Mermaid sequence diagram. */
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
    ...names.map((name) => `  participant ${id(name)} as ${name}`),
  ];
  steps.forEach(({ from, to, message, choice, broken }, i) => {
    if (i === cycleFrom) lines.push("  loop for ever");
    const sender = from === "" ? to : from;
    lines.push(`  ${id(sender)}->>${id(to)}: ${plain(messageText(message))}`);
    if (choice !== "") lines.push(`  Note over ${id(to)}: the guest ${plain(choice)}`);
    for (const name of broken) lines.push(`  Note over ${id(to)}: breaks "${plain(name)}"`);
  });
  if (cycleFrom >= 0) lines.push("  end");
  lines.push(`  %% ${property}`);
  return `${lines.join("\n")}\n`;
}

/** Without what Mermaid reads as its own. */
function plain(text: string): string {
  return text.replace(/[;#:]/g, ",");
}
