/** What a soak has run: counted by operation and technique, with the refusals by their reasons. */
import Table from "cli-table3";
import type { SoakResult } from "./share.ts";

interface Row {
  runs: number;
  harvests: number;
  messages: number;
  failed: number;
}

export class Tally {
  failed = 0;
  refusals = 0;
  readonly #rows = new Map<string, Map<string, Row>>();
  readonly #reasons = new Map<string, number>();
  #cases = 0;
  #commands = 0;

  add({ refusal, ran, problem }: SoakResult): void {
    this.#cases++;
    if (problem !== null) this.failed++;
    if (refusal !== null) {
      this.refusals++;
      // The same reason with other names and numbers is one.
      const reason = refusal.replace(/"[^"]*"/g, '"..."').replace(/[\d.]+/g, "N");
      this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    }
    if (ran === null) return;
    this.#commands += ran.commands;
    const row = this.#row(ran.operation, ran.technique);
    row.runs++;
    row.messages += ran.messages;
    row.harvests += ran.harvests;
    if (problem !== null) row.failed++;
  }

  #row(operation: string, technique: string): Row {
    const rows = this.#rows.get(operation) ?? new Map<string, Row>();
    this.#rows.set(operation, rows);
    const row = rows.get(technique) ?? { runs: 0, harvests: 0, messages: 0, failed: 0 };
    rows.set(technique, row);
    return row;
  }

  text(): string {
    const table = new Table({
      head: ["operation", "technique", "runs", "harvests", "messages", "failed"],
      colAligns: ["left", "left", "right", "right", "right", "right"],
      style: { head: [], border: [], compact: true },
    });
    for (const [operation, rows] of [...this.#rows].sort()) {
      for (const [technique, { runs, harvests, messages, failed }] of [...rows].sort()) {
        const numbers = [runs, harvests, messages, failed].map((one) => one.toLocaleString("en"));
        table.push([operation, technique, ...numbers]);
      }
    }
    const reasons = [...this.#reasons].sort(
      ([one, a], [other, b]) => b - a || (one < other ? -1 : 1),
    );
    return [
      table.toString(),
      `${this.#cases} cases, ${this.#commands} commands of an operator; ${this.failed} failed, ${this.refusals} refused`,
      ...reasons.map(([reason, count]) => `  ${count} x ${reason}`),
    ].join("\n");
  }
}
