/** Estimators of users, as functions of plain data: what they are given they can neither change nor keep. */
import * as z from "zod";
import { excerpt } from "../../../config/fieldPath.ts";
import { nearest } from "../../../config/nearest.ts";
import { UserError } from "../../../errors.ts";
import {
  type HarvestMode,
  TECHNIQUE_NAMES,
  type Technique,
} from "../../../interconnect/messages.ts";
import { callOwn } from "../../ownCode.ts";
import type { Estimator, Progress, Reading, Step } from "../estimator.ts";
import { interval } from "./interval.ts";

/** An estimator that is not built in. */
export interface OwnEstimator {
  /** Its name in scenarios. */
  readonly kind: string;
  /** Its name in reports; default: its kind. */
  readonly title?: string;
  /** Its own fields, beside `kind` and `interval`. */
  readonly parameters?: z.ZodRawShape;
  /**
   * How the VMs are tracked: at each look the tracker is asked for the pages that it has found, touched ones if it
   * tells those, else written ones.
   */
  readonly technique: Technique;
  /** Default "clean": pages of the last interval; "peek": since the beginning. */
  readonly harvest?: HarvestMode;
  /** Whether the VM is paused for it, as Xen does; default: not. */
  readonly pausesVm?: boolean;
  /**
   * One look: from what was counted to an estimate. It is asked twice each time, and has to give the same: what is
   * given is all that it may depend on.
   */
  readonly step: (look: OwnLook) => OwnEstimate;
}

export interface OwnLook {
  /** Pages of data that the tracker has found. */
  readonly pages: number;
  /** Of looks, from 1. */
  readonly interval: number;
  /** The VM's memory. */
  readonly vmPages: number;
  /** The estimator's fields, as the schema has parsed them. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What the look before has returned as `memory`; null at the first. */
  // biome-ignore lint/suspicious/noExplicitAny: it is the user's own.
  readonly memory: any;
}

export interface OwnEstimate {
  /** Pages; null while there is none yet. */
  readonly estimate: number | null;
  /** Plain data for the next look; default: null. */
  readonly memory?: unknown;
  /** Whether the estimate has settled; default: not. */
  readonly stable?: boolean;
  /** Whether the estimation is over, and the tracker is switched off; default: not. */
  readonly ends?: boolean;
}

export interface OwnRule {
  readonly kind: "own";
  readonly name: string;
  readonly vmPages: number;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface OwnConfig {
  readonly kind: string;
  readonly interval: number;
}

/** Of what a look leaves behind, written as JSON. */
const MEMORY_MAX = 1 << 16;
const RESERVED = ["kind", "interval"];

const answer = z.strictObject({
  estimate: z.number().min(0).nullable(),
  memory: z.json().default(null),
  stable: z.boolean().default(false),
  ends: z.boolean().default(false),
});

/** The declaration of one. @throws UserError if it is none */
export function ownEstimator(own: OwnEstimator): Estimator<OwnConfig, OwnRule> {
  const { kind, parameters = {}, technique, harvest = "clean", pausesVm = false } = own;
  if (!/^[A-Za-z][\w-]{0,39}$/.test(kind)) {
    throw new UserError(`estimator "${excerpt(kind)}": expected letters, digits, - and _`);
  }
  const reserved = Object.keys(parameters).find((name) => RESERVED.includes(name));
  if (reserved !== undefined) {
    throw new UserError(`estimator "${kind}": the field "${reserved}" is one of every estimator`);
  }
  if (technique === "none") {
    throw new UserError(`estimator "${kind}": technique "none" counts no pages`);
  }
  if (!TECHNIQUE_NAMES.includes(technique)) {
    const near = nearest(technique, TECHNIQUE_NAMES);
    throw new UserError(
      `estimator "${kind}": there is no technique "${excerpt(technique)}"${near}`,
    );
  }
  return {
    kind,
    title: own.title ?? kind,
    schema: z.strictObject({ kind: z.literal(kind), interval, ...parameters }),
    technique: () => technique,
    interval: (config) => config.interval,
    intervalField: "interval",
    rule({ kind: name, interval: _, ...fields }, vmPages) {
      return { kind: "own", name, vmPages, parameters: fields };
    },
    source: { of: "harvests", mode: () => harvest, pausesVm },
    step: (rule, before, reading) => ownStep(own, rule, before, reading),
  };
}

function ownStep(own: OwnEstimator, rule: OwnRule, before: Progress, reading: Reading): Step {
  const { vmPages, parameters } = rule;
  const look = { ...reading, vmPages, parameters, memory: JSON.parse(before.own ?? "null") };
  const first = ask(own, look);
  const again = ask(own, look);
  if (JSON.stringify(first) !== JSON.stringify(again)) {
    throw wrong(own, "does not answer the same when it is asked the same again");
  }
  const { estimate, memory, stable, ends } = first;
  return {
    progress: { ...before, estimate, own: JSON.stringify(memory) },
    stable,
    ends,
    forget: "nothing",
  };
}

/** Its answer to a copy of its own of what it is asked, which it cannot change. */
function ask(own: OwnEstimator, look: OwnLook): z.output<typeof answer> {
  const what = `estimator "${own.kind}": step`;
  const given = callOwn(what, () => own.step(frozen(structuredClone(look))));
  const { data: answered, error } = answer.safeParse(given);
  if (answered === undefined) {
    const { path = [], message = "" } = error.issues[0] ?? {};
    throw wrong(own, `${path.join(".") || "answer"}: ${message}`);
  }
  if (JSON.stringify(answered.memory).length > MEMORY_MAX) {
    throw wrong(own, `memory: expected at most ${MEMORY_MAX} characters of JSON`);
  }
  return {
    ...answered,
    estimate: answered.estimate === null ? null : Math.round(answered.estimate),
  };
}

function wrong({ kind }: OwnEstimator, what: string): UserError {
  return new UserError(`estimator "${kind}": step: ${what}`);
}

function frozen<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) frozen(inner);
    Object.freeze(value);
  }
  return value;
}
