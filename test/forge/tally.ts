/** What a fuzz has found, as text. */
import type { ForgedResult } from "./share.ts";

/** A line; nothing if all was kept. */
export function findingText(number: number, { words, problem }: ForgedResult): string {
  if (problem === null) return "";
  return `${number}: trackvisor ${words.join(" ")}: ${JSON.stringify(problem)}\n`;
}

/** Counted by the kinds of files. */
export function tallyText(results: readonly ForgedResult[]): string {
  const byKind = new Map<string, [cases: number, refused: number]>();
  for (const { kind, code } of results) {
    if (kind === null) continue;
    const counts = byKind.get(kind) ?? [0, 0];
    counts[0]++;
    if (code === 2) counts[1]++;
    byKind.set(kind, counts);
  }
  const rows = [...byKind].sort().map(([kind, [cases, refused]]) => {
    const count = String(cases).padStart(7);
    return `  ${kind.padEnd(16)}${count}, refused with exit code 2: ${refused}`;
  });
  const findings = results.filter(({ problem }) => problem !== null).length;
  return [`${results.length} cases`, ...rows, `findings: ${findings}`, ""].join("\n");
}
