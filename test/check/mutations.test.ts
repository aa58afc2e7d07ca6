/** UPDATE_DOCS=1 with TRACKVISOR_LONG=all writes the table of docs/check.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mermaid from "mermaid";
import { describe, expect, it } from "vitest";
import { buildTargetSystem } from "../../src/check/catalogue.ts";
import { CheckRun } from "../../src/check/checkRun.ts";
import { endsInFailure } from "../../src/check/hypervisor/counterexampleLog.ts";
import { MUTATIONS } from "../../src/check/mutations/all.ts";
import { itfTrace } from "../../src/check/output/itf.ts";
import { numberedList } from "../../src/check/output/list.ts";
import { mermaidDiagram } from "../../src/check/output/mermaid.ts";
import { IS_ALL, shareOf } from "../share.ts";
import { messagesReplayed } from "./messagesReplayed.ts";

/** Messages of the shortest counterexample, as found. A number that changes says that a protocol has. */
const MESSAGES: Readonly<Record<string, number>> = {
  "skip-invept": 19,
  "harvest-before-drain": 21,
  "pml-on-some-vcpus": 33,
  "clear-before-drain": 25,
  "reset-at-exit": 12,
  "index-not-reset": 16,
  "unit-not-told": 34,
  "rearm-nothing": 39,
  "bitmap-cleared-before-copied": 21,
  "flag-before-log": 12,
  "index-wraps": 12,
  "index-not-decremented": 10,
  "log-full-not-told": 18,
  "acknowledge-without-flush": 28,
  "invept-on-one-cpu": 37,
  "invept-forgotten-before-entry": 30,
  "invept-waits-for-handler": 34,
  "kick-lost": 13,
  "kick-ignored": 15,
  "paused-too-early": 12,
  "unpause-forgotten": 23,
  "write-not-marked": 26,
  "spurious-violation-is-fatal": 22,
  "too-many-rights-cached": 9,
  "violation-handled-twice": 14,
  "remote-reload-forgotten": 15,
  "mask-lost": 33,
  "interrupt-not-sent": 13,
  "reload-keeps-index": 16,
  "image-not-reset": 16,
  "one-vm-served": 29,
  "reset-before-copied": 15,
  "ring-reset-before-harvest": 26,
  "ring-not-armed-again": 38,
  "ring-resume-before-flush": 24,
  "ring-reaped-before-drained": 23,
  "ring-deadlock": 29,
  "ring-reset-not-flushed": 22,
  "cleaned-bitmap-not-sent": 36,
  "last-harvest-empty": 39,
  "harvest-before-pause": 34,
  "harvested-not-protected": 53,
  "runs-during-live-harvest": 36,
  "live-harvest-not-queued": 55,
  "round-sent-from-snapshot": 72,
  "not-resumed-after-abort": 38,
  "tracked-after-abort": 33,
  "tracked-after-giving-up": 87,
  "split-pages-not-armed": 27,
  "large-leaf-marked-as-page": 27,
  "split-pages-stay-dirty": 27,
  "invept-keeps-large": 19,
  "second-handler-idle": 29,
  "output-before-acknowledge": 27,
  "copied-while-it-runs": 32,
  "staging-not-cleared": 28,
  "epoch-does-not-wait": 9,
  "acknowledged-before-durable": 8,
  "harvested-not-copied": 28,
  "storage-writes-in-place": 27,
  "protected-after-failure": 25,
  "paused-after-failure": 27,
  "failed-checkpoint-forgotten": 62,
  "chain-on-failed-full": 25,
  "diff-not-protected": 40,
  "diff-harvested-before-pause": 15,
  "copied-before-pause": 6,
  "not-resumed-after-checkpoint": 15,
  "estimate-before-drain": 24,
  "whole-log-counted": 13,
  "slots-counted-as-pages": 15,
  "interval-lost": 27,
  "not-disarmed": 20,
  "unit-logs-on": 16,
  "flags-cleared-before-read": 20,
  "touch-not-marked": 26,
  "log-full-spins": 17,
  "handler-never-returns": 160,
  "armed-without-flush": 16,
  "faulted-not-sent-again": 44,
  "throttle-left-on": 98,
  "asleep-for-ever": 69,
  "discard-skipped": 66,
  "resumed-without-faults": 43,
  "request-dropped": 48,
  "request-waits-its-turn": 49,
  "bit-not-cleared": 48,
  "bit-cleared-unsent": 53,
  "postcopy-waiter-not-woken": 59,
  "received-not-complemented": 50,
  "recovered-by-own-bitmap": 61,
  "resent-over-written": 50,
  "epoch-not-protected": 42,
  "let-go-in-order": 35,
  "timeslice-without-end": 12,
  "flushed-if-it-runs": 45,
  "swap-before-invept": 13,
  "swap-keeps-the-first": 33,
  "frame-not-flushed": 15,
  "waiter-not-woken": 18,
  "balloon-keeps-what-it-took": 26,
  "page-comes-writable": 35,
  "page-comes-dirty": 36,
  "other-vm-flushed": 16,
  "flags-lost-with-frame": 23,
  "copied-twice": 14,
  "counting-not-begun": 16,
  "copied-meanwhile-forgotten": 24,
  "counts-end-early": 28,
  "second-log-not-copied": 15,
  "other-vcpus-log-dropped": 33,
  "rights-not-returned": 14,
  "flags-left-on": 14,
  "flushed-without-kick": 21,
  "interrupt-stays-pending": 29,
  "violation-spins": 13,
  "violation-not-fixed": 18,
  "torn-entries": 46,
  "cleared-when-done": 54,
  "goes-on-too-far": 22,
  "served-when-all-is-armed": 11,
  "overflow-log-not-asked": 21,
  "overflow-log-not-said": 21,
  "overflow-log-rearm-nothing": 38,
  "machine-unit-emptied-before-drained": 25,
  "machine-unit-stop-not-sent": 17,
  "machine-unit-drop-not-said": 23,
  "machine-unit-copied-not-marked": 23,
  "machine-unit-reload-forgotten": 14,
  "machine-unit-rearm-nothing": 40,
  "amd-pml-not-flushed": 19,
  "amd-pml-emptied-before-drained": 25,
  "amd-pml-index-not-reset": 16,
  "amd-pml-flag-before-log": 12,
  "amd-pml-index-wraps": 12,
  "amd-pml-full-not-told": 18,
  "amd-pml-rearm-nothing": 39,
  "hdbss-not-flushed": 19,
  "hdbss-emptied-before-drained": 25,
  "hdbss-index-not-reset": 16,
  "hdbss-flag-before-log": 12,
  "hdbss-index-wraps": 12,
  "hdbss-full-not-told": 18,
  "hdbss-rearm-nothing": 39,
  "slot-deleted-unharvested": 29,
  "slot-logging-dropped": 29,
  "slot-memory-unseen": 25,
  "slot-not-flushed": 22,
  "slot-mapped-unmarked": 29,
  "slot-log-undrained": 24,
  "clear-without-mask": 48,
  "clear-arms-nothing": 28,
  "slot-armed-by-position": 42,
  "marked-before-written": 36,
  "dma-never-marked": 25,
  "dma-beside-every-ring": 24,
  "dma-in-a-vcpus-ring": 17,
  "drained-before-marked": 25,
  "stopped-without-devices": 42,
  "used-ring-not-logged": 27,
  "iotlb-not-flushed": 35,
  "mapped-later-not-noted": 23,
  "iommu-cleared-before-read": 23,
  "pv-never-marked": 22,
  "pv-marked-before-written": 22,
  "pv-in-another-ring": 50,
  "pv-ring-limit-unseen": 38,
  "uffd-read-maps-writable": 27,
  "uffd-lifted-not-noted": 26,
  "uffd-not-protected-again": 38,
  "clear-refs-not-told": 38,
  "clear-refs-before-pagemap": 26,
  "swapped-out-is-not-resident": 26,
  "sync-serves-one-user": 4,
  "take-clears-every-bitmap": 5,
  "first-stop-ends-log": 3,
  "second-start-empties-log": 4,
  "postponed-stop-stays": 5,
  "xen-peek-takes-bits": 4,
  "xen-clean-without-retype": 5,
  "xen-failed-allocation-forgotten": 4,
  "xen-final-without-mapped": 3,
  "xen-vram-takes-log-bits": 4,
  "xen-second-call-while-unfinished": 5,
  "swap-loses-soft-dirty": 3,
  "new-mapping-is-clean": 2,
  "discard-is-no-write": 3,
  "resolved-leaf-not-armed": 32,
  "touched-leaf-alone-armed": 28,
  "spurious-misconfiguration-fatal": 22,
};

/** Their searches take five seconds and more each: with TRACKVISOR_LONG=all. */
const SLOW = [
  "interval-lost",
  "asleep-for-ever",
  "throttle-left-on",
  "mask-lost",
  "slot-logging-dropped",
  "machine-unit-reload-forgotten",
  "second-handler-idle",
  "balloon-keeps-what-it-took",
  "failed-checkpoint-forgotten",
  "resent-over-written",
  "received-not-complemented",
];

const DOCS = join(import.meta.dirname, "..", "..", "docs", "check.md");
const ROWS = /(?<=^<!-- faults -->\n)[\s\S]*(?=^<!-- \/faults -->)/m;
/** By fault: the property that it breaks. */
const broken = new Map<string, string>();

describe("each planted fault is caught, and its counterexample replays", () => {
  const asked = MUTATIONS.filter(({ name }) => IS_ALL || !SLOW.includes(name));
  it.each(shareOf(asked, 3))("$name: $mistake", async ({ name, model, set = {}, breaks }) => {
    const target = { model, set, mutation: name };
    const run = new CheckRun(target);
    run.explore();
    const violated = run.results.filter(({ verdict }) => verdict === "violated");
    const expected = violated.find((one) => one.name.startsWith(breaks));
    expect(violated.map((one) => one.name)).not.toEqual([]);
    expect(expected?.name).toMatch(breaks);
    broken.set(name, expected!.name);
    const trace = run.traceOf(expected!)!;
    expect(trace.steps.length).toBe(MESSAGES[name]);

    expect(numberedList(trace).length).toBeGreaterThanOrEqual(trace.steps.length);
    const { diagramType } = await mermaid.parse(mermaidDiagram(trace));
    expect(diagramType).toBe("sequence");
    expect(itfTrace(trace).states.length).toBe(trace.steps.length + 1);

    // Calls have no system behind them that could be run.
    if (buildTargetSystem(target) === null) return;
    const recorded = trace.steps.length - (endsInFailure(trace) ? 1 : 0);
    expect(messagesReplayed(target, trace)).toBe(recorded);
  });
});

it("there are at least 25 planted faults, each with a name of its own", () => {
  expect(MUTATIONS.length).toBeGreaterThanOrEqual(25);
  expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
});

// Where the tests above have not all run there is nothing to compare with.
it.runIf(process.env["UPDATE_DOCS"] === "1")("the table of the manual is written", () => {
  expect(broken.size, "all faults were checked").toBe(MUTATIONS.length);
  const rows = MUTATIONS.map(({ name, model, mistake }) =>
    row([name, model, mistake, broken.get(name)!, String(MESSAGES[name])]),
  );
  const head = ["fault", "model", "mistake", "breaks", "messages"];
  const table = [row(head), "|---|---|---|---|---|", ...rows].join("\n");
  writeFileSync(
    DOCS,
    readFileSync(DOCS, "utf8").replace(ROWS, () => `\n${table}\n\n`),
  );
});

it("the manual names each planted fault, its model, its mistake and its messages", () => {
  const table = ROWS.exec(readFileSync(DOCS, "utf8"))?.[0] ?? "";
  const listed = table.split("\n").filter((line) => line.startsWith("| "));
  expect(listed.length).toBe(MUTATIONS.length + 1);
  MUTATIONS.forEach(({ name, model, mistake, breaks }, i) => {
    const line = listed[i + 1]!;
    expect(line.startsWith(`| ${name} | ${model} | ${mistake} | ${breaks}`), line).toBe(true);
    expect(line.endsWith(` | ${MESSAGES[name]} |`), line).toBe(true);
  });
});

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
