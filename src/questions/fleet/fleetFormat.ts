/** The format of what came of a fleet: `trackvisor fleet --json`. */
import * as z from "zod";

/** Raised when a field changes its meaning or goes. */
export const FLEET_VERSION = 1;
export const FLEET_FORMAT = "trackvisor fleet";

const count = z.int().min(0);
const part = z.number().describe("a part of one");
const seconds = z.number().describe("s");
const milliseconds = z.number().describe("ms");
const clock = z.number().describe("s since midnight");

const day = z.strictObject({
  sizes: z
    .enum(["declared", "exact", "tracker"])
    .describe(
      "where the sizes of VMs are from: what they have; what they use exactly, without cost; a tracker's estimates",
    ),
  tracker: z.string().nullable(),
  hosts: z
    .strictObject({
      least: count,
      mean: z.number().describe("over the day's time"),
      most: count,
    })
    .describe("hosts that have a VM, or are to get one"),
  short: z.strictObject({
    part: part.describe("of the VMs' time, in windows in which they use more than they are left"),
    seconds: seconds.describe("of all VMs together"),
    fullHostSeconds: seconds.describe("of all hosts together whose VMs are more than they hold"),
  }),
  accesses: z.strictObject({
    offered: z.number().describe("what VMs would make with enough memory and without tracking"),
    lostToMemory: part.describe("of those offered, by being short of memory"),
    lostToTracking: part.describe("by the tracker's cost for the guest"),
    lostToDowntime: part.describe("while migrations had them suspended"),
  }),
  migrations: z.strictObject({
    completed: count,
    byReason: z.strictObject({
      evacuation: count,
      relief: count.describe("of hosts that are too full"),
      consolidation: count,
    }),
    givenUp: count.describe("by the policy"),
    abandoned: count.describe("the VM left before the end"),
    withdrawn: count.describe("ordered, and not begun before the next look"),
    underWay: count.describe("at the day's end"),
    bytes: z.number(),
    meanTime: seconds,
    longestTime: seconds,
    meanDowntime: milliseconds,
    longestDowntime: milliseconds,
  }),
  pvm: z
    .strictObject({
      mean: part.describe("of the pVMs of hosts that are on, of tracking and migrations"),
      most: z.number().describe("of one host at a look, of tracking: above 1 it cannot keep up"),
      overloaded: count.describe("looks at a host whose pVM cannot keep up"),
    })
    .describe("share of the CPUs of hosts' pVMs"),
  evacuations: z.array(
    z.strictObject({
      host: count,
      at: clock,
      vms: count.describe("on it then"),
      seconds: z.number().nullable().describe("until it was empty; null: not before the day's end"),
    }),
  ),
  waiting: z.strictObject({
    vms: count.describe("that found no host when they came"),
    seconds: seconds.describe("of all of them together"),
    noRoom: count.describe("moves that were wanted at a look, and found no host"),
  }),
  leftOut: z.strictObject({
    belowMeasured: part.describe(
      "of the VMs' time, with fewer pages than was measured: losses of it are too small",
    ),
    windows: count.describe("between two harvests of migrations"),
    windowsTooLong: count.describe(
      "of those, longer than was measured: pages of it are too few (curves.windows.longest)",
    ),
    estimates: count.describe("that sizes are from"),
    estimatesOfShort: count.describe(
      "of those, of VMs that were short of memory, which were measured with enough",
    ),
  }),
  course: z
    .array(
      z.strictObject({
        time: clock,
        hosts: count,
        vms: count,
        underWay: count.describe("migrations"),
        given: z.number().describe("pages that VMs are left"),
        used: z.number().describe("pages that they use"),
        shortVms: count,
        pvmMost: z.number(),
      }),
    )
    .describe("behind each look"),
});

const run = z.strictObject({
  kind: z.string(),
  seed: z.int(),
  curve: z.string().describe("that is from it"),
  run: z.string().describe("the run's key in the store"),
});

export const fleetReportSchema = z
  .strictObject({
    format: z.literal(FLEET_FORMAT),
    version: z.literal(FLEET_VERSION),
    code: z.string().describe("version of the program that did the runs"),
    fleet: z.string().describe("its name"),
    seed: z.int(),
    vms: count,
    hosts: z.strictObject({ count, memory: count.describe("pages of each") }),
    days: z.array(day),
    answers: z.array(z.string()).describe("sentences"),
    leftOut: z.array(z.string()).describe("what the composition leaves out here, sentences"),
    runs: z.array(run).describe("behind each curve"),
  })
  .describe("the result of `trackvisor fleet` (docs/fleet.md)");

export type FleetReport = z.infer<typeof fleetReportSchema>;
export type FleetDay = FleetReport["days"][number];

/** The JSON Schema of a report, as text: docs/fleet.schema.json. */
export function fleetJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(fleetReportSchema), null, 2)}\n`;
}
