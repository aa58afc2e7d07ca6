/** What a fleet file says: kinds of guests, how they are measured and tracked, VMs, hosts, and what is done with them. */
import * as z from "zod";
import { duration, positiveDuration, rate, size } from "../../config/units.ts";
import { DEFAULT_TECHNIQUE, techniqueField } from "../../hypervisor/techniques/all.ts";
import { estimatorSchema } from "../../hypervisor/wss/estimators/all.ts";
import { precopyFields } from "../../system/operations/migration/precopySchema.ts";
import { timeOfDay } from "./clock.ts";

/** More are a mistake, or want more memory than a machine has. */
const VMS_MAX = 1_000_000;
const HOSTS_MAX = 100_000;
const DAY = "24:00";

const name = z
  .string()
  .regex(/^[A-Za-z][\w-]{0,39}$/, "expected a letter, then letters, digits, - and _");
const seed = z.int().min(0).max(0xffffffff);
const part = z.number().gt(0).max(1);

const curves = z
  .strictObject({
    seeds: z
      .array(seed)
      .min(1)
      .max(100)
      .default([1, 2, 3])
      .describe("each kind is measured once with each; a VM has the curves of one of them"),
    length: positiveDuration.prefault("1s").describe("virtual time of each run"),
    warmUp: duration.prefault("0s").describe("of that at the beginning nothing is taken"),
    interval: positiveDuration
      .prefault("100ms")
      .describe("T of the true working set W(t, T): the pages that a guest touches in this time"),
    windows: z
      .strictObject({
        shortest: positiveDuration.prefault("1ms"),
        longest: positiveDuration.prefault("500ms"),
      })
      .prefault({})
      .refine(({ shortest, longest }) => shortest <= longest, {
        path: ["shortest"],
        error: "expected at most the longest",
      })
      .describe(
        "dirty pages are counted over windows of the shortest length, of twice that, and so on up to the longest",
      ),
    memory: z
      .array(z.number().gt(0).max(10))
      .min(2)
      .max(20)
      .default([0.5, 0.7, 0.85, 1, 1.15])
      .describe("how a guest runs with less memory is measured at these parts of its working set"),
  })
  .refine(({ warmUp, length }) => warmUp < length, {
    path: ["warmUp"],
    error: "expected less than the length",
  })
  .prefault({})
  .describe("how each kind of guests is measured, once, by runs of the emulator");

const kind = z
  .strictObject({
    scenario: z
      .string()
      .min(1)
      .describe(
        "file, relative to this one, or name of a shipped scenario, with one VM; or a trace",
      ),
    set: z
      .array(z.string())
      .max(100)
      .default([])
      .describe("fields of it with other values, as `--set` writes them"),
  })
  .describe("a kind of guests");

/** With the estimators and techniques that there are now. */
function tracker() {
  return z
    .strictObject({
      estimator: estimatorSchema,
      share: part.default(1).describe("part of the time that the estimator runs"),
      dirty: techniqueField()
        .default(DEFAULT_TECHNIQUE)
        .describe("technique that finds written pages for migrations"),
    })
    .describe("a way to know what VMs use");
}

const between = z
  .strictObject({ from: timeOfDay, to: timeOfDay })
  .refine(({ from, to }) => from <= to, { path: ["to"], error: "expected no time before `from`" });

const vms = z
  .strictObject({
    name: name.describe("of the group"),
    count: z.int().min(1).max(VMS_MAX).describe("VMs"),
    arrive: between
      .optional()
      .describe("when they come, evenly spread; default: they are there from the start"),
    leave: between.optional().describe("when they go, evenly spread; default: they stay"),
    phases: z
      .array(
        z.strictObject({ from: timeOfDay, kind: name.describe("whose curves apply from then on") }),
      )
      .min(1)
      .max(100)
      .refine((list) => list.every(({ from }, n) => n === 0 || from > (list[n - 1]?.from ?? 0)), {
        error: "expected phases in the order of their times",
      })
      .describe(
        "what kind of guest each is, in the course of the day; before the first, as in the last",
      ),
    late: duration.prefault("0s").describe("each VM's phases begin later by up to this"),
  })
  .refine(
    ({ arrive, leave }) =>
      arrive === undefined ||
      leave === undefined ||
      (leave.from >= arrive.from && leave.to >= arrive.to),
    { path: ["leave"], error: "expected no VM to go before it comes" },
  )
  .describe("VMs that are alike");

const hosts = z
  .strictObject({
    count: z.int().min(1).max(HOSTS_MAX),
    memory: size.describe("of each, for VMs"),
    pvmCpus: z.int().min(1).max(1024).default(1).describe("CPUs for tracking and estimation"),
    link: rate.prefault("10Gbit/s").describe("of each host, in each direction"),
  })
  .describe("the hosts, all alike");

const placement = z
  .strictObject({
    fit: z
      .enum(["first", "best"])
      .default("first")
      .describe("of the hosts with room, the first, or that with the least room"),
    by: z
      .enum(["declared", "estimate"])
      .default("estimate")
      .describe("how much memory a VM takes: what it has, or what it is estimated to use"),
    margin: z.number().min(0).max(10).default(0.1).describe("on top of an estimate"),
  })
  .prefault({})
  .describe("which host a VM gets");

const decisions = z
  .strictObject({
    every: positiveDuration.prefault("10min").describe("time between two looks at all VMs"),
    consolidate: z
      .int()
      .min(0)
      .max(HOSTS_MAX)
      .default(8)
      .describe("hosts that are emptied at a look, at most"),
  })
  .prefault({})
  .describe("new sizes by estimates, migrations from hosts that are too full, and consolidation");

const migration = z
  .strictObject({
    ...precopyFields,
    latency: duration.prefault("100us").describe("of each batch, on top"),
    together: z
      .int()
      .min(1)
      .max(64)
      .default(2)
      .describe("migrations from a host, and to a host, at the same time"),
  })
  .prefault({})
  .refine(({ policy }) => policy.kind !== "qemu" || policy.autoConverge === undefined, {
    path: ["policy", "autoConverge"],
    error: "a fleet's guests are not slowed down: curves of throttled guests are not measured",
  })
  .describe("live migration, by the emulator's own rules");

const event = z
  .strictObject({
    at: timeOfDay,
    evacuate: z
      .union([z.int().min(0), z.literal("busiest")], {
        error: 'expected the number of a host, from 0, or "busiest"',
      })
      .describe("the host, which takes no VMs any more"),
  })
  .describe("a host is evacuated");

export function fleetSchema() {
  return z
    .strictObject({
      name: z.string().min(1).max(200).describe("of the fleet, for reports"),
      seed: seed.default(1).describe("of all random choices of the fleet"),
      curves,
      kinds: z.record(name, kind).describe("by name"),
      trackers: z.record(name, tracker()).describe("by name"),
      vms: z.array(vms).min(1).max(1000),
      hosts,
      placement,
      decisions,
      migration,
      events: z.array(event).max(10_000).default([]),
      until: timeOfDay.prefault(DAY).describe("end of the virtual day"),
    })
    .describe("a Trackvisor fleet");
}

/** A fleet with its defaults filled in; durations and times of day in cycles, sizes in pages. */
export type FleetConfig = z.output<ReturnType<typeof fleetSchema>>;
