/**
 * One migration of a fleet: the rules and the bookkeeping of the emulator's own (src/hypervisor/migration, and the
 * answers of machines/migrationContext.ts), over what curves say of the guest in place of its memory. What waits and
 * what is sent take time, which whoever calls lets pass; between two questions of the policy all is sent at once.
 */
import { answerAfter, answerBefore } from "../../../machines/migrationContext.ts";
import * as progress from "../../hypervisor/migration/progress.ts";
import { batchBytes, type Policy, SLICE_SECONDS } from "../../hypervisor/migration/stats.ts";

/** What a migration has to know of its guest. Times in cycles. */
export interface MigratingGuest {
  /** Pages of the first round. */
  readonly mapped: number;
  readonly setup: number;
  /** How long a harvest takes that finds so many pages, the guest paused. */
  harvest(pages: number): number;
  /** Pages that the guest dirties while it runs for so long. */
  dirtied(window: number): number;
}

export interface PrecopySettings {
  readonly policy: Policy;
  readonly batchPages: number;
  readonly latencyCycles: number;
}

/** What is next: time that passes, bytes that go over the links, and then time that passes; or the end. */
export type Step =
  | { readonly what: "wait"; readonly cycles: number }
  | { readonly what: "send"; readonly bytes: number; readonly latency: number }
  | { readonly what: "completed" }
  | { readonly what: "givenUp" };

type Stage =
  | "arming"
  | "sending"
  | "harvesting"
  | "harvestingLast"
  | "sendingLast"
  | "resuming"
  | "over";

export class Precopy {
  readonly #guest: MigratingGuest;
  readonly #settings: PrecopySettings;
  #progress: progress.Progress;
  #stage: Stage = "arming";
  #stopsAfterRound = false;
  /** Since when the guest has run after the last harvest, and what the one under way finds. */
  #runningSince = 0;
  #found = 0;

  constructor(guest: MigratingGuest, settings: PrecopySettings, now: number) {
    this.#guest = guest;
    this.#settings = settings;
    this.#progress = { ...progress.NO_PROGRESS, startTime: now, lastSyncTime: now };
  }

  get progress(): progress.Progress {
    return this.#progress;
  }

  /** Cycles from the suspension to the resumption; null if it did not come to that. */
  get downtime(): number | null {
    const { suspendTime, resumeTime } = this.#progress;
    return resumeTime < 0 ? null : resumeTime - suspendTime;
  }

  /** The first step. */
  begin(): Step {
    return { what: "wait", cycles: this.#guest.setup };
  }

  /**
   * The step before is over.
   * @param rate bytes a second that sending would get now
   */
  next(now: number, rate: number): Step {
    switch (this.#stage) {
      case "arming": {
        const { mapped } = this.#guest;
        this.#progress = { ...this.#progress, armedTime: now };
        return this.#synced(now, mapped, mapped, rate);
      }
      case "harvesting":
        return this.#synced(now, this.#found, this.#pending(), rate);
      case "sending":
        return this.#arrived(now, rate);
      case "harvestingLast":
        this.#progress = progress.synced(this.#progress, now, this.#found, this.#pending());
        this.#progress = progress.roundOpened(this.#progress, false);
        this.#stage = "sendingLast";
        return this.#sendLast();
      case "sendingLast":
        this.#progress = progress.batchArrived(this.#progress, now);
        return this.#sendLast();
      case "resuming":
        this.#progress = progress.roundClosed(this.#progress);
        this.#progress = { ...this.#progress, resumeTime: now, endTime: now };
        this.#stage = "over";
        return { what: "completed" };
      case "over":
        throw new Error("the migration is over");
    }
  }

  /** Pages found that waited already are the same pages: as likely as any. */
  #pending(): number {
    const { pendingPages } = this.#progress;
    return pendingPages + Math.round(this.#found * (1 - pendingPages / this.#guest.mapped));
  }

  #synced(now: number, found: number, pending: number, rate: number): Step {
    this.#progress = progress.synced(this.#progress, now, found, pending);
    this.#runningSince = now;
    const answer = answerBefore(this.#context());
    if (answer === "abort") {
      this.#progress = { ...this.#progress, endTime: now };
      this.#stage = "over";
      return { what: "givenUp" };
    }
    if (answer === "stop") return this.#suspend(now);
    this.#progress = progress.roundOpened(this.#progress, true);
    this.#stopsAfterRound = answer === "sendThenStop";
    this.#stage = "sending";
    return this.#send(rate);
  }

  #arrived(now: number, rate: number): Step {
    this.#progress = progress.batchArrived(this.#progress, now);
    const answer = answerAfter(this.#context());
    if (answer === "send") return this.#send(rate);
    this.#progress = progress.roundClosed(this.#progress);
    if (answer === "stop") return this.#suspend(now);
    this.#stage = "harvesting";
    return this.#harvest(now);
  }

  #suspend(now: number): Step {
    this.#progress = { ...this.#progress, suspendTime: now };
    this.#stage = "harvestingLast";
    return this.#harvest(now);
  }

  #harvest(now: number): Step {
    this.#found = Math.round(this.#guest.dirtied(now - this.#runningSince));
    return { what: "wait", cycles: this.#guest.harvest(this.#found) };
  }

  /** libxc decides when a round is sent, QEMU after each slice as well. */
  #send(rate: number): Step {
    const { policy, batchPages } = this.#settings;
    const { pendingPages } = this.#progress;
    if (policy.kind === "libxc") return this.#take(pendingPages);
    const batches = Math.ceil((rate * SLICE_SECONDS) / batchBytes(batchPages));
    return this.#take(Math.min(pendingPages, Math.max(1, batches) * batchPages));
  }

  #sendLast(): Step {
    const { pendingPages } = this.#progress;
    if (pendingPages > 0) return this.#take(pendingPages);
    this.#stage = "resuming";
    return { what: "wait", cycles: this.#settings.latencyCycles };
  }

  #take(pages: number): Step {
    const { batchPages, latencyCycles } = this.#settings;
    const full = Math.floor(pages / batchPages);
    const rest = pages - full * batchPages;
    const bytes = full * batchBytes(batchPages) + batchBytes(rest);
    const pending = this.#progress.pendingPages - pages;
    this.#progress = progress.batchTaken(this.#progress, pages, bytes, pending);
    return { what: "send", bytes, latency: (full + (rest > 0 ? 1 : 0)) * latencyCycles };
  }

  #context() {
    const { policy } = this.#settings;
    const stopsAfterRound = this.#stopsAfterRound;
    return { policy, progress: this.#progress, stopsAfterRound, forgetsCleaned: false };
  }
}
