/** Overcommitment: VMs on a host that has less memory than they, sized by their estimated working sets. */
import { balloonMachine } from "../../../machines/balloon.ts";
import { estimatorMachine } from "../../../machines/estimator.ts";
import { overcommitmentMachine } from "../../../machines/overcommitment.ts";
import { pagerMachine } from "../../../machines/pager.ts";
import type { FieldPath } from "../../config/fieldPath.ts";
import { formatCycles } from "../../config/units.ts";
import type { Problems } from "../../errors.ts";
import type { GuestRule } from "../../hypervisor/overcommit/guestKernel.ts";
import type { TargetRule } from "../../hypervisor/overcommit/targets.ts";
import type { OperationFactory } from "../operation.ts";
import { actorName } from "../roles.ts";
import type { VmPlan } from "../worldPlan.ts";
import {
  declareOperation,
  endsAtDeadline,
  type OperationSubject,
  ownsTrackers,
  PLAIN_NEEDS,
} from "./declaration.ts";
import {
  createEstimators,
  type EstimationPlan,
  estimateTechnique,
  estimationPlan,
  footprintOf,
  INTERVALS_MAX,
} from "./estimate/estimators.ts";
import { balloonActors, createPaging, guestRule, pagerActor } from "./overcommit/createPaging.ts";
import { BalloonOrders, ControllerDevice, type ControllerSettings } from "./overcommit/device.ts";
import { compareWith, overcommitResult } from "./overcommit/overcommitResult.ts";
import { type OvercommitConfig, overcommitSchema } from "./overcommit/overcommitSchema.ts";
import { overcommitTelling } from "./overcommit/overcommitTelling.ts";
import { initialSizes, minimumOf } from "./overcommit/sizes.ts";

const PAGES_PER_MIB = 256;

export interface OvercommitPlan {
  readonly config: OvercommitConfig;
  readonly estimation: EstimationPlan;
  /** By what the controller decides. */
  readonly controller: ControllerSettings;
  /** By VM. */
  readonly guestRules: readonly GuestRule[];
  /** Of all random choices. */
  readonly seed: number;
  readonly swapsUnflushed: boolean;
  /** End of the run; 0 = when the workloads have ended. */
  readonly deadlineCycles: number;
}

/** The VMs' plans say with how many pages each begins (sizes.ts). */
export function overcommitPlan(
  config: OvercommitConfig,
  subject: OperationSubject,
  problems: Problems,
): OvercommitPlan {
  const { deadlineCycles, faults, seed } = subject;
  const { vms } = subject.world;
  checkInterval(config, deadlineCycles, problems);
  return {
    config,
    estimation: estimationPlan(config, subject, problems),
    controller: {
      rule: ruleOf(config, vms, problems),
      hostPages: config.memory,
      scales: byName(config.scale, vms, ["operation", "scale"], () => 1, problems),
      bounds: vms.map((vm) => ({ pages: vm.pages, minimum: minimumOf(config, vm) })),
    },
    guestRules: vms.map((vm, number) => guestRule(config, vm, number, problems)),
    seed,
    swapsUnflushed: faults.includes("swapBeforeInvept"),
    deadlineCycles,
  };
}

export function overcommit(plan: OvercommitPlan): OperationFactory {
  const { config, estimation, deadlineCycles, seed, swapsUnflushed } = plan;
  const footprintPages = footprintOf(estimation);
  return (world, host) => {
    const { costs } = world.config.tracking;
    const paging = createPaging(config, plan.guestRules, world, { seed, swapsUnflushed });
    const orders = new BalloonOrders(world.vms.length);
    const controller = new ControllerDevice(world, paging, plan.controller, host.now);
    const estimators = createEstimators(estimation, footprintPages, world, host);
    const count = world.vms.length;
    const pager = pagerActor(paging, orders, host.now, ({ helpers }) =>
      helpers.slice(count, 2 * count),
    );
    const balloons = balloonActors(world, paging, config.balloon);
    const decisionCycles = costs.estimatorWake + count * costs.decideTarget;
    return {
      kind: "overcommit",
      main: {
        machine: overcommitmentMachine,
        device: controller,
        input: ({ self, scheduler, helpers, pvmCpus }) => ({
          self,
          scheduler,
          estimators: helpers.slice(0, count),
          balloons: helpers.slice(count, 2 * count),
          pvmCpu: pvmCpus[0],
          intervalCycles: config.interval,
          decisionCycles,
          deadlineCycles,
        }),
      },
      helpers: [...estimators.helpers, ...balloons, pager],
      pager: "pager",
      parts: [...paging.parts, orders, controller.memory, ...estimators.parts],
      result: (actors) =>
        overcommitResult(world, paging, config, {
          controller: actors.of("toolstack", overcommitmentMachine),
          pager: actors.of("pager", pagerMachine),
          estimators: estimators.names.map((name) => actors.of(name, estimatorMachine)),
          balloons: balloons.map(({ role }) => actors.of(actorName(role), balloonMachine)),
        }),
    };
  };
}

function checkInterval({ interval }: OvercommitConfig, deadline: number, problems: Problems): void {
  const field = ["operation", "interval"];
  const [own, run] = [formatCycles(interval), formatCycles(deadline)];
  if (deadline > 0 && interval > deadline) {
    problems.add(
      field,
      `${own} is longer than the run, which lasts ${run}: nothing would be decided`,
    );
  } else if (deadline > INTERVALS_MAX * interval) {
    problems.add(field, `${own} is too short: more than ${INTERVALS_MAX} decisions in the run`);
  }
}

function ruleOf(
  { policy }: OvercommitConfig,
  vms: readonly VmPlan[],
  problems: Problems,
): TargetRule {
  if (policy.kind === "workingSet") return policy;
  const path = ["operation", "policy", "shares"];
  const ofMemory = ({ pages }: VmPlan): number => pages / PAGES_PER_MIB;
  const shares = byName(policy.shares, vms, path, ofMemory, problems);
  return { kind: "idleTax", tax: policy.tax, shares };
}

/** One value for all VMs, or those that are named. */
function byName(
  value: number | Readonly<Record<string, number>>,
  vms: readonly VmPlan[],
  path: FieldPath,
  otherwise: (vm: VmPlan) => number,
  problems: Problems,
): number[] {
  if (typeof value === "number") return vms.map(() => value);
  const names = vms.map(({ name }) => name);
  for (const unknown of Object.keys(value).filter((name) => !names.includes(name))) {
    problems.add([...path, unknown], `there is no VM of that name (VMs: ${names.join(", ")})`);
  }
  return vms.map((vm) => value[vm.name] ?? otherwise(vm));
}

const KIND = "overcommit";

export const overcommitOperation = declareOperation({
  kind: KIND,
  schema: overcommitSchema,
  needs: {
    ...PLAIN_NEEDS,
    // Which page the host takes, and a guest without paging (hypervisor/overcommit/hostVictims.ts).
    draws: true,
    technique: estimateTechnique,
    // What it loses is seen in the contents alone.
    contents: (_, faults) => faults.includes("swapBeforeInvept"),
    firstPages: initialSizes,
    hostFrames: ({ memory }: OvercommitConfig) => memory,
  },
  faults: ["swapBeforeInvept"],
  estimator: ({ estimator }: OvercommitConfig) => estimator.kind,
  file: null,
  // The same on a host with enough memory for all.
  comparison: {
    with: (config: OvercommitConfig, pages) =>
      config.reference ? { ...config, memory: pages } : null,
    compared: compareWith,
  },
  resolve: overcommitPlan,
  create: overcommit,
  telling: overcommitTelling,
  operator: { ...ownsTrackers(KIND), end: () => endsAtDeadline(KIND) },
});
