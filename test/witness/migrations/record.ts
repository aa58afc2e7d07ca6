/** One recorded migration: two QEMUs in TCG, the link between them, and what they say of it. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { MigrationCase } from "./cases.ts";
import { openLink } from "./link.ts";
import { Qemu } from "./qemu.ts";

const ARRAY_AT = 16 << 20;
/** guest.S: where its settings and its words are. */
const SETTINGS = 0x1d0;
const COUNTER = 0x8000;
const WRITERS = { idle: 0, paced: 1, busy: 2 };
/** Before the migration, in ms: the guest runs alone, and its writes are counted. */
const WARM_UP = 2000;
const POLL = 50;
const TRACED = ["migration_bitmap_sync_end"];

/** Pages found dirty by one synchronisation; times in ms from the migrate command. */
export interface Sync {
  readonly at: number;
  readonly dirtyPages: number;
}

/** As asked for every 50 ms. */
export interface ThrottleStep {
  readonly at: number;
  readonly percent: number;
}

export interface Recorded {
  readonly case: string;
  /** As QEMU has it: completed, or cancelled because it did not converge in time. */
  readonly status: string;
  readonly totalTime: number;
  readonly downtime: number | null;
  readonly setupTime: number;
  readonly transferred: number;
  readonly normalPages: number;
  readonly zeroPages: number;
  readonly syncCount: number;
  readonly syncs: readonly Sync[];
  /** Each new percentage of the throttle. */
  readonly throttle: readonly ThrottleStep[];
  /** Writes a second: before the migration, and while it went on. */
  readonly writesBefore: number;
  readonly writesDuring: number;
}

export function qemuVersion(): string {
  const text = execFileSync("qemu-system-x86_64", ["--version"], { encoding: "utf8" });
  return /version (\S+)/.exec(text)?.[1] ?? "of unknown version";
}

/** Of the time-stamp counter in TCG, which is the host's: cycles a second. */
function counterFrequency(): number {
  const found = /^cpu MHz\s*: (\S+)/m.exec(readFileSync("/proc/cpuinfo", "utf8"));
  if (found === null) throw new Error("/proc/cpuinfo has no frequency");
  return Number(found[1]) * 1e6;
}

function bootSector(directory: string, source: string, config: MigrationCase): string {
  const [object, sector] = [join(directory, "guest.o"), join(directory, "guest.bin")];
  execFileSync("gcc", ["-m32", "-c", source, "-o", object]);
  const flat = ["-m", "elf_i386", "-Ttext", "0x7c00", "-e", "_start", "--oformat", "binary"];
  execFileSync("ld", [...flat, "-o", sector, object]);
  const bytes = readFileSync(sector);
  const period = config.rate > 0 ? Math.round(counterFrequency() / config.rate) : 0;
  const settings = [WRITERS[config.writer], config.arrayPages, ARRAY_AT, period, config.spin];
  for (const [i, value] of settings.entries()) bytes.writeUInt32LE(value, SETTINGS + 4 * i);
  writeFileSync(sector, bytes);
  return sector;
}

/** @param source the guest's, guest.S */
export async function record(config: MigrationCase, source: string): Promise<Recorded> {
  const directory = mkdtempSync(join(tmpdir(), "trackvisor-migration-"));
  const path = (name: string) => join(directory, name);
  const disk = `file=${bootSector(directory, source, config)},format=raw,snapshot=on`;
  const common = [
    ...["-M", "pc", "-accel", "tcg", "-cpu", "qemu64", "-smp", "1", "-m", `${config.memoryMiB}`],
    ...["-nodefaults", "-display", "none", "-drive", disk],
  ];
  const traces = TRACED.flatMap((event) => ["-trace", event]);
  const log = ["-msg", "timestamp=on", "-D", path("log"), ...traces];
  const sender = await Qemu.start([...common, ...log], path("source"));
  const receiver = await Qemu.start(
    [...common, "-incoming", `unix:${path("target-in")}`],
    path("target"),
  );
  const link = await openLink(path("link"), path("target-in"), config.linkBandwidth);
  try {
    const writesBefore = await warmUp(sender);
    await sender.ask("migrate-set-parameters", {
      "max-bandwidth": config.maxBandwidth,
      "downtime-limit": config.downtimeLimit,
    });
    await sender.ask("migrate-set-capabilities", {
      capabilities: [{ capability: "auto-converge", state: config.autoConverge }],
    });
    const [first] = await sender.words(COUNTER);
    const began = Date.now();
    await sender.ask("migrate", { uri: `unix:${path("link")}` });
    const { last, counted, countedAt, throttle } = await finished(
      sender,
      began,
      config.giveUpAfter,
    );
    const seconds = (countedAt - began) / 1000;
    return {
      case: config.name,
      ...summary(last),
      syncs: syncsIn(existsSync(path("log")) ? readFileSync(path("log"), "utf8") : "", began),
      throttle,
      writesBefore: Math.round(writesBefore),
      writesDuring: seconds > 0 ? Math.round((counted - first) / seconds) : 0,
    };
  } finally {
    await sender.stop();
    await receiver.stop();
    link.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Writes a second after the guest has filled its array. */
async function warmUp(qemu: Qemu): Promise<number> {
  while ((await qemu.words(COUNTER))[1] !== 1) await sleep(POLL);
  await sleep(WARM_UP / 2);
  const [first] = await qemu.words(COUNTER);
  const from = performance.now();
  await sleep(WARM_UP);
  const [last] = await qemu.words(COUNTER);
  return ((last - first) * 1000) / (performance.now() - from);
}

interface Finished {
  readonly last: Answer;
  /** The last count of writes of the running guest, and when it was. */
  readonly counted: number;
  readonly countedAt: number;
  readonly throttle: readonly ThrottleStep[];
}

type Answer = Readonly<Record<string, unknown>>;

/** Up to its end, or to where it is cancelled. */
async function finished(qemu: Qemu, began: number, giveUpAfter: number): Promise<Finished> {
  const throttle: ThrottleStep[] = [];
  let counted = 0;
  let countedAt = began;
  let shown: Answer = {};
  for (;;) {
    const last = await qemu.ask("query-migrate");
    const status = String(last["status"]);
    if (status === "completed" || status === "failed") {
      return { last, counted, countedAt, throttle };
    }
    if (status === "cancelled") {
      return { last: { ...shown, status }, counted, countedAt, throttle };
    }
    if ("ram" in last) shown = last;
    const percent = Number(last["cpu-throttle-percentage"] ?? 0);
    if (percent !== (throttle.at(-1)?.percent ?? 0)) {
      throttle.push({ at: Date.now() - began, percent });
    }
    if (status === "active") {
      const [count] = await qemu.words(COUNTER);
      if ((await qemu.ask("query-status"))["running"] === true) {
        counted = count;
        countedAt = Date.now();
      }
    }
    if (Date.now() - began > giveUpAfter) await qemu.ask("migrate_cancel");
    await sleep(POLL);
  }
}

function summary(last: Answer) {
  const ram: Answer = typeof last["ram"] === "object" ? { ...last["ram"] } : {};
  const number = (value: unknown) => (typeof value === "number" ? value : 0);
  return {
    status: String(last["status"]),
    totalTime: number(last["total-time"]),
    downtime: last["status"] === "completed" ? number(last["downtime"]) : null,
    setupTime: number(last["setup-time"]),
    transferred: number(ram["transferred"]),
    normalPages: number(ram["normal"]),
    zeroPages: number(ram["duplicate"]),
    syncCount: number(ram["dirty-sync-count"]),
  };
}

/** Lines as "1234@1700000000.123456:migration_bitmap_sync_end dirty_pages 12". */
function syncsIn(text: string, began: number): Sync[] {
  return text.split("\n").flatMap((line) => {
    const found = /@(\d+\.\d+):migration_bitmap_sync_end dirty_pages (\d+)/.exec(line);
    if (found === null) return [];
    const at = Math.round(Number(found[1]) * 1000 - began);
    return [{ at, dirtyPages: Number(found[2]) }];
  });
}
