/**
 * What is alike in a running system: the pages of a VM, and the vCPUs of a VM, each with its PML unit, its PRL
 * unit, its VMCS, logs and ring.
 *
 * If each vCPU stays on the CPU of its number, that CPU is exchanged with it. Else CPUs are not alike: when a VM
 * runs on, the scheduler gives the first free one to the vCPU that has waited longest. So vCPUs are exchanged
 * where they are, and the CPUs stay, with their TLBs and what is on its way to them.
 *
 * VMs are not alike: the toolstack starts and pauses them one after another, in the order of their numbers, so
 * VM 0 can be paused while VM 1 runs, and not the other way round.
 */
import type { AnyEventObject } from "xstate";
import type { Words } from "../../hardware/normalForm.ts";
import type { Fields } from "../../interconnect/fields.ts";
import type { ActorId } from "../../interconnect/messages.ts";
import {
  type Permutation,
  renamedFields,
  renamedMessage,
} from "../../interconnect/renumberedFields.ts";
import { isRecord, itemAt } from "../../lookup.ts";
import type { ActorSnapshot, SystemActor } from "../../system/actors.ts";
import type { MemoryPiece } from "../../system/memoryPieces.ts";
import { type ActorRole, actorName, isMeant, vmOf } from "../../system/roles.ts";
import type { World } from "../../system/world.ts";
import { FOLLOWED_BY, type Renaming, type RenamingGroup } from "../engine/model.ts";
import { permutations } from "../engine/permutations.ts";
import type { Property } from "../properties/property.ts";
import { type Party, type Ways, wayName } from "./channels.ts";
import { partsOf } from "./sentMessages.ts";

export interface SymmetricSystem {
  readonly world: World;
  readonly actors: readonly SystemActor[];
  readonly ways: Ways;
  readonly memory: readonly MemoryPiece[];
  readonly properties: readonly Property[];
  /** What the contexts of the machine of this name hold. */
  readonly fieldsOf: (machine: string) => Fields;
  /** Why pages are not alike; absent if they are. */
  readonly pagesDiffer?: string | undefined;
  /** Each vCPU runs on the CPU of its number, if it runs. */
  readonly staysOnCpu: boolean;
  readonly slotNamed: (name: string) => number;
}

/** In place of a VM. */
const NOBODYS = -1;

const VMS_DIFFER =
  "VMs are not alike: the toolstack starts and pauses them in the order of their numbers";

const VCPUS_DIFFER = "vCPUs are not alike: the first of them is the first on a CPU";
const SHARED_TLB =
  "pages are not alike: VMs share a TLB, in which the place of a page goes by its number";

/** All exchanges of pages and of vCPUs, and of both. */
export function systemSymmetry(system: SymmetricSystem): RenamingGroup {
  const { world, slotNamed } = system;
  const isCrowded = world.vcpus.length > world.mmus.length;
  const sharedTlb = isCrowded && world.vms.length > 1 ? SHARED_TLB : undefined;
  const pagesDiffer = system.pagesDiffer ?? sharedTlb;
  const pages = world.vms.map((_, vm) =>
    pagesDiffer === undefined ? pageOrders(world, vm) : pageOrders(world, vm).slice(0, 1),
  );
  const vcpus = world.vms.map(({ vcpus }) => {
    return isCrowded ? [Array.from(vcpus.keys())] : permutations(vcpus.length);
  });
  const all = product([...pages, ...vcpus]).map((orders) => ({
    pages: orders.slice(0, pages.length),
    vcpus: orders.slice(pages.length),
  }));
  // The first of all leaves everything as it is.
  const renamings = all.slice(1).map((orders) => new SystemRenaming(system, orders));
  const alike = world.vms.flatMap(({ vcpus: members, config }, vm) => [
    ...(itemAt(pages, vm).length > 1
      ? [orderText(`pages of VM ${vm}`, config.pages, itemAt(pages, vm).length)]
      : []),
    ...(members.length > 1 && !isCrowded ? [vcpuText(vm, members.length, system.staysOnCpu)] : []),
  ]);
  const differs = [
    ...(pagesDiffer === undefined ? [] : [pagesDiffer]),
    ...(world.vms.length > 1 ? [VMS_DIFFER] : []),
    ...(isCrowded && world.vms.some((vm) => vm.vcpus.length > 1) ? [VCPUS_DIFFER] : []),
  ];
  return { alike, differs, renamings, slotNamed };
}

function orderText(what: string, count: number, orders: number): string {
  const all = permutations(count).length;
  if (orders === all) return `the ${count} ${what} are alike`;
  return `the ${count} ${what} are alike as far as they share tables (${orders} of ${all} orders)`;
}

function vcpuText(vm: number, count: number, staysOnCpu: boolean): string {
  return `the ${count} vCPUs of VM ${vm} are alike${staysOnCpu ? ", with their CPUs" : ""}`;
}

/** What each number becomes. */
type Order = readonly number[];

/**
 * Orders of a VM's pages that its paging structures do not tell apart: pages that share a table, at any level,
 * still do.
 */
function pageOrders({ config }: World, vm: number): readonly Order[] {
  const { eptLevels, indexBits } = config.geometry;
  const blocks = Array.from({ length: eptLevels - 1 }, (_, i) => 2 ** ((i + 1) * indexBits));
  return permutations(itemAt(config.vms, vm).pages).filter((order) =>
    blocks.every((size) => {
      const block = (page: number): number => Math.floor(page / size);
      return order.every((image, page) =>
        order.every((other, at) => block(page) !== block(at) || block(image) === block(other)),
      );
    }),
  );
}

function product<T>(choices: readonly (readonly T[])[]): readonly (readonly T[])[] {
  return choices.reduce<readonly (readonly T[])[]>(
    (lists, more) => lists.flatMap((list) => more.map((one) => [...list, one])),
    [[]],
  );
}

interface Orders {
  /** By VM: of its pages, and of its vCPUs by their position among them. */
  readonly pages: readonly Order[];
  readonly vcpus: readonly Order[];
}

class SystemRenaming implements Renaming, Permutation {
  readonly what: string;
  readonly movesPages: boolean;
  readonly #system: SymmetricSystem;
  readonly #orders: Orders;
  /** By vCPU, by physical CPU, and by actor's address. */
  readonly #vcpus: readonly number[];
  readonly #pcpus: readonly number[];
  readonly #actors: readonly ActorId[];

  constructor(system: SymmetricSystem, orders: Orders) {
    const { world, actors } = system;
    this.#system = system;
    this.#orders = orders;
    this.#vcpus = world.vcpus.map(({ vm }, vcpu) => {
      const members = itemAt(world.vms, vm).vcpus;
      return itemAt(members, itemAt(itemAt(orders.vcpus, vm), members.indexOf(vcpu)));
    });
    this.#pcpus = system.staysOnCpu ? this.#vcpus : Array.from(world.mmus.keys());
    this.#actors = [0, ...actors.map(({ role }) => this.#become(role).id)];
    const moved = (order: Order): boolean => order.some((image, i) => image !== i);
    this.movesPages = orders.pages.some(moved);
    this.what = [
      ...orders.pages.flatMap((order, vm) =>
        moved(order) ? [`giving its pages the numbers ${order.join(", ")} in VM ${vm}`] : [],
      ),
      ...(moved(this.#vcpus) ? [`giving vCPUs the numbers ${this.#vcpus.join(", ")}`] : []),
    ].join(" and ");
  }

  page = (vm: number, page: number): number => {
    const order = this.#orders.pages[vm];
    if (order === undefined) throw new Error("a page of no VM");
    return order[page] ?? page;
  };

  vcpu = (vcpu: number): number => itemAt(this.#vcpus, vcpu);
  pcpu = (pcpu: number): number => itemAt(this.#pcpus, pcpu);
  actor = (id: ActorId): ActorId => itemAt(this.#actors, id);

  /** The actor that one with this role becomes. */
  #become(role: ActorRole): SystemActor {
    const image = {
      ...role,
      ...("vcpu" in role ? { vcpu: this.vcpu(role.vcpu) } : {}),
      ...("pcpu" in role ? { pcpu: this.pcpu(role.pcpu) } : {}),
    };
    const actor = this.#system.actors.find((one) => isMeant(one.role, image));
    if (actor === undefined) throw new Error(`no actor is ${actorName(image)}`);
    return actor;
  }

  #party(party: Party): Party {
    return party.role === null ? party : this.#become(party.role);
  }

  slot(name: string): string {
    const { actors, memory, ways } = this.#system;
    const actor = actors.find((one) => one.name === name);
    if (actor !== undefined) return this.#become(actor.role).name;
    const piece = memory.find((one) => one.name === name);
    if (piece !== undefined) return piece.image?.(this) ?? name;
    const { from, to, manner } = ways.named(name);
    return wayName(this.#party(from), this.#party(to), manner);
  }

  property(name: string): string {
    const each = this.#system.properties.find((one) => one.name === name)?.each;
    return each === undefined ? name : each.nameOf(this[each.of](each.number));
  }

  value(slot: string, value: unknown): unknown {
    const { actors, memory, fieldsOf } = this.#system;
    const actor = actors.find(({ name }) => name === slot);
    if (actor === undefined) {
      const piece = memory.find(({ name }) => name === slot);
      if (piece === undefined) throw new Error(`what "${slot}" holds is not known`);
      if (!isWords(value)) throw new Error(`what "${slot}" holds is not words of memory`);
      const { lists, renumber } = piece;
      const unknown = Object.keys(value).find((list) => !lists.includes(list));
      if (unknown !== undefined) throw new Error(`what the words "${unknown}" hold is not known`);
      return renumber(value, this);
    }
    const { id } = actor.machine;
    if (!isActorState(value)) throw new Error(`what "${slot}" holds is not the state of an actor`);
    const { value: state, context } = value;
    const renamed = renamedFields(
      id,
      fieldsOf(id),
      { ...context },
      vmOf(actor.role) ?? NOBODYS,
      this,
    );
    return { value: state, context: renamed };
  }

  message(channel: string, message: AnyEventObject): AnyEventObject {
    const { event, followers } = partsOf(message);
    const vm = numberIn(event, "vm");
    const vcpu = numberIn(event, "vcpu");
    const { vcpus } = this.#system.world;
    const named = vm ?? (vcpu === undefined ? undefined : itemAt(vcpus, vcpu).vm);
    const { role } = this.#system.ways.named(channel).to;
    const receivers = role === null ? undefined : vmOf(role);
    const renamed = renamedMessage(event, named ?? receivers ?? NOBODYS, this);
    if (followers.length === 0) return renamed;
    const others = followers.map(([name, one]) => [this.slot(name), this.message(name, one)]);
    return { ...renamed, [FOLLOWED_BY]: others };
  }
}

function numberIn(event: AnyEventObject, field: string): number | undefined {
  const value: unknown = event[field];
  return typeof value === "number" ? value : undefined;
}

function isWords(value: unknown): value is Words {
  return isRecord(value) && Object.values(value).every((list) => Array.isArray(list));
}

function isActorState(value: unknown): value is ActorSnapshot {
  return isRecord(value) && typeof value["value"] === "string" && isRecord(value["context"]);
}
