/** Overcommitment: VMs on a host that has less memory than they, sized by their estimated working sets. */
import type { BalloonContext } from "../../../machines/balloon.ts";
import type { EstimatorContext } from "../../../machines/estimatorContext.ts";
import {
  type OvercommitmentContext,
  overcommitmentMachine,
} from "../../../machines/overcommitment.ts";
import type { PagerContext } from "../../../machines/pager.ts";
import { formatCycles } from "../../config/units.ts";
import { fieldError } from "../../errors.ts";
import type { TargetRule } from "../../hypervisor/overcommit/targets.ts";
import type { OperationFactory, OperationFault } from "../operation.ts";
import { actorName } from "../roles.ts";
import type { World } from "../world.ts";
import { INTERVALS_MAX, prepareEstimation } from "./estimate/estimators.ts";
import { balloonActors, createPaging, pagerActor } from "./overcommit/createPaging.ts";
import { BalloonOrders, ControllerDevice } from "./overcommit/device.ts";
import { type OvercommitResult, overcommitResult } from "./overcommit/result.ts";
import type { OvercommitConfig } from "./overcommit/schema.ts";
import { minimumOf } from "./overcommit/sizes.ts";

export { type OvercommitConfig, overcommitSchema } from "./overcommit/schema.ts";

const PAGES_PER_MIB = 256;
const FIELD = ["operation"];

/**
 * The VMs' configuration says with how many pages each begins (sizes.ts).
 * @param deadlineCycles end of the run, 0 = when the workloads have ended
 * @param seed of all random choices
 * @throws FieldError if the parameters make no sense together
 */
export function overcommit(
  config: OvercommitConfig,
  deadlineCycles: number,
  faults: readonly OperationFault[],
  seed: number,
): OperationFactory {
  checkInterval(config, deadlineCycles);
  const estimation = prepareEstimation(config, deadlineCycles, seed);
  return (world, host) => {
    const { costs } = world.config.tracking;
    const names = world.vms.map(({ config: vm }) => vm.name);
    const settings = {
      rule: ruleOf(config, world),
      hostPages: config.memory,
      scales: byName(config.scale, names, ["operation", "scale"], () => 1),
      bounds: world.vms.map(({ config: vm }) => ({
        pages: vm.pages,
        minimum: minimumOf(config, vm),
      })),
    };
    const paging = createPaging(config, world, {
      seed,
      swapsUnflushed: faults.includes("swapBeforeInvept"),
    });
    const orders = new BalloonOrders(world.vms.length);
    const controller = new ControllerDevice(world, paging, settings, host.now);
    const estimators = estimation.estimators(world, host);
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
      result: (contexts): OvercommitResult =>
        overcommitResult(world, paging, config, {
          controller: contexts["toolstack"] as OvercommitmentContext,
          pager: contexts["pager"] as PagerContext,
          estimators: estimators.names.map((name) => contexts[name] as EstimatorContext),
          balloons: balloons.map(({ role }) => contexts[actorName(role)] as BalloonContext),
        }),
    };
  };
}

function checkInterval({ interval }: OvercommitConfig, deadline: number): void {
  const [own, run] = [formatCycles(interval), formatCycles(deadline)];
  if (deadline > 0 && interval > deadline) {
    throw fieldError(
      [...FIELD, "interval"],
      `${own} is longer than the run, which lasts ${run}: nothing would be decided`,
    );
  }
  if (deadline > INTERVALS_MAX * interval) {
    throw fieldError(
      [...FIELD, "interval"],
      `${own} is too short: more than ${INTERVALS_MAX} decisions in the run`,
    );
  }
}

function ruleOf({ policy }: OvercommitConfig, world: World): TargetRule {
  if (policy.kind === "workingSet") return policy;
  const names = world.vms.map(({ config }) => config.name);
  const path = [...FIELD, "policy", "shares"];
  const ofMemory = (vm: number): number => world.vms[vm]!.config.pages / PAGES_PER_MIB;
  return { kind: "idleTax", tax: policy.tax, shares: byName(policy.shares, names, path, ofMemory) };
}

/** One value for all VMs, or those that are named. */
function byName(
  value: number | Readonly<Record<string, number>>,
  names: readonly string[],
  path: readonly string[],
  otherwise: (vm: number) => number,
): number[] {
  if (typeof value === "number") return names.map(() => value);
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw fieldError([...path, unknown], `there is no VM of that name (VMs: ${names.join(", ")})`);
  }
  return names.map((name, vm) => value[name] ?? otherwise(vm));
}
