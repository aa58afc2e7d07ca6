/** What a soak has run: counted by operation and technique, with the refusals by their reasons. */
import Table from "cli-table3";
import { scenarioSchema } from "../../src/system/scenarioSchema.ts";
import type { SoakCase } from "./generator.ts";
import type { Trial } from "./trial.ts";

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

  add(soaked: SoakCase, { problems, refusal, summary, messages }: Trial): void {
    this.#cases++;
    if (problems.length > 0) this.failed++;
    if (refusal !== null) {
      this.refusals++;
      // The same reason with other names and numbers is one.
      const reason = refusal.replace(/"[^"]*"/g, '"..."').replace(/[\d.]+/g, "N");
      this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    }
    if (summary === null) return;
    this.#commands += soaked.commands.length;
    const { operation } = scenarioSchema.parse(soaked.scenario);
    const row = this.#row(operation.kind, summary.technique);
    row.runs++;
    row.messages += messages;
    row.harvests += summary.harvests.reduce((sum, { harvests }) => sum + harvests, 0);
    if (problems.length > 0) row.failed++;
  }

  #row(operation: string, technique: string): Row {
    const rows = this.#rows.get(operation) ?? new Map<string, Row>();
    this.#rows.set(operation, rows);
    const row = rows.get(technique) ?? { runs: 0, harvests: 0, messages: 0, failed: 0 };
    rows.set(technique, row);
    return row;
  }

  text(seconds: number): string {
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
    const reasons = [...this.#reasons].sort(([, a], [, b]) => b - a);
    return [
      table.toString(),
      `${this.#cases} cases in ${seconds.toFixed(0)} s, ${this.#commands} commands of an operator; ${this.failed} failed, ${this.refusals} refused`,
      ...reasons.map(([reason, count]) => `  ${count} x ${reason}`),
    ].join("\n");
  }
}
