/**
 * VMs on a host with fewer frames than they have pages: the pager, the balloons, and guests that touch any page at any
 * moment. What a controller decides is free: a balloon that rests may be told any size. Which page is taken, by the
 * guest or by the hypervisor, is free too.
 */

import { balloonMachine } from "../../../machines/balloon.ts";
import { TOUCHED } from "../../hardware/guestForm.ts";
import type { Paging } from "../../hypervisor/overcommit/paging.ts";
import { present } from "../../lookup.ts";
import type { ActorSnapshot } from "../../system/actors.ts";
import type { Operation, OperationFactory } from "../../system/operation.ts";
import { measure } from "../../system/operations/measure.ts";
import {
  balloonActors,
  createPaging,
  pagerActor,
} from "../../system/operations/overcommit/createPaging.ts";
import { BalloonOrders, hostForm } from "../../system/operations/overcommit/device.ts";
import { overcommitSchema } from "../../system/operations/overcommit/overcommitSchema.ts";
import { isMeant } from "../../system/roles.ts";
import type { System } from "../../system/system.ts";
import type { Model } from "../engine/model.ts";
import { ChoosingRandom } from "../hypervisor/choosers.ts";
import { type Commands, systemModel } from "../hypervisor/systemModel.ts";
import { over, type Property } from "../properties/property.ts";
import { contextReader } from "./actorStates.ts";
import { PagedHost } from "./pagedHost.ts";
import {
  logProperties,
  noPageLost,
  noStaleTranslations,
  pausedVcpusRunAgain,
  protocolProperties,
} from "./properties.ts";
import { smallSystem } from "./smallSystem.ts";
import { indexInRange, noFlagWithoutAccess, servedLogIsEmpty } from "./stepChecks.ts";
import type { TrackingOptions } from "./tracking.ts";

export const BALLOON_RESTS = "a balloon that has taken what it can rests";

export interface OvercommitModelOptions extends TrackingOptions {
  /** Frames of the host. */
  readonly frames: number;
  /** Pages that each VM begins with. */
  readonly initialPages: number;
  /** Whether the controller tells balloons anything. */
  readonly balloons: boolean;
  /** A planted fault: a page's content is read before the other CPUs have executed INVEPT. */
  readonly swapsUnflushed?: boolean;
}

interface OvercommitSystem {
  readonly system: System;
  readonly paging: Paging;
  readonly random: ChoosingRandom;
}

export function overcommitSystem(options: OvercommitModelOptions): OvercommitSystem {
  const { frames, pages, harvests = false } = options;
  const config = overcommitSchema().parse({
    kind: "overcommit",
    memory: `${4 * frames}KiB`,
    estimator: { kind: "pml", interval: "1 cycles", clean: true },
    balloon: { limit: 0.9, chunk: 1 },
    guest: { victims: "random" },
    swap: { batch: 1 },
  });
  const random = new ChoosingRandom(pages);
  const made: { paging?: Paging } = {};
  const measuring = measure({ harvestCycles: harvests ? 1 : 0, live: false, deadlineCycles: 1 });
  const guestRules = options.vcpus.map(() => "random" as const);
  const operation: OperationFactory = (world, host): Operation => {
    const paging = createPaging(config, guestRules, world, {
      seed: 0,
      random: () => random,
      swapsUnflushed: options.swapsUnflushed === true,
    });
    const orders = new BalloonOrders(world.vms.length);
    made.paging = paging;
    const count = world.vms.length;
    const pager = pagerActor(paging, orders, host.now, ({ helpers }) => helpers.slice(0, count));
    const balloons = balloonActors(world, paging, config.balloon);
    return {
      ...measuring(world, host),
      helpers: [...balloons, pager],
      pager: "pager",
      parts: [...paging.parts, orders],
      form: hostForm(paging, orders),
    };
  };
  const system = smallSystem({ ...options, keepVersions: true, operation });
  return { system, paging: present(made.paging, "the host's paging"), random };
}

export function overcommitModel(name: string, options: OvercommitModelOptions): Model {
  const { system, paging, random } = overcommitSystem(options);
  const host = new PagedHost(system, paging);
  const { technique } = options;
  const tracks = technique !== "none";
  return systemModel(system, {
    name,
    reads: options.reads ?? false,
    pagesDiffer:
      "pages are not alike: a guest gives those that it never used from the last to the first",
    owed: TOUCHED,
    settles: false,
    besides: (vm) => [host.form(vm)],
    choosers: [random],
    ...(options.balloons ? { commands: targets(options) } : {}),
    stepChecks: [indexInRange, noFlagWithoutAccess, servedLogIsEmpty, ...host.checks],
    properties: [
      ...protocolProperties(system),
      ...(tracks ? noPageLost() : []),
      ...(tracks ? noStaleTranslations(system) : []),
      ...pausedVcpusRunAgain(system),
      ...logProperties(system),
      ...host.properties(),
      ...(options.balloons ? system.world.vms.map((_, vm) => balloonRests(system, vm)) : []),
    ],
  });
}

/** The smallest and the largest size that a controller could want, each when the balloon is at rest. */
function targets({ pages }: OvercommitModelOptions): Commands {
  return (actor, { value }) => {
    if (!isMeant(actor, { helper: "balloon" }) || value !== "resting") return [];
    return [2, pages].map((size) => ({ type: "setTarget", pages: size }) as const);
  };
}

function balloonRests(system: System, vm: number): Property {
  const balloon = `vm${vm}/balloon`;
  const read = contextReader(system, balloon, balloonMachine);
  return {
    kind: "leadsTo",
    name: `${BALLOON_RESTS} (VM ${vm})`,
    when: over([balloon], ({ value }: ActorSnapshot) => value !== "resting"),
    that: over([balloon], (state: ActorSnapshot) => {
      return state.value === "resting" || read(state).surplus === 0;
    }),
  };
}
