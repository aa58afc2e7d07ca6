/** Finds and reads fleet files, by path or by the name of one that is shipped, and the guests that they name. */
import { dirname, isAbsolute, join } from "node:path";
import { nearest } from "../../config/nearest.ts";
import { parseOverride } from "../../config/override.ts";
import { parseYaml } from "../../config/yamlFile.ts";
import { UserError } from "../../errors.ts";
import { kindOfFile, listDirectory, readText } from "../../io/inputFile.ts";
import { packagePath } from "../../io/packageFiles.ts";
import { checkLoaded, loaderOf, refuseUnread, shippedScenarios } from "../../runs/scenarioFile.ts";
import type { Guest } from "./curveRuns.ts";
import { type FleetConfig, fleetSchema } from "./fleetSchema.ts";

const MAX_BYTES = 1 << 20;
const EXTENSION = ".yaml";
const PAGES_PER_MIB = 256;

export interface LoadedKind {
  readonly name: string;
  readonly guest: Guest;
}

export interface Fleet {
  readonly config: FleetConfig;
  /** Those that phases name, in the order of the file. */
  readonly kinds: readonly LoadedKind[];
  /** "file:line" of a field. */
  readonly at: (path: readonly PropertyKey[]) => string;
}

/** Reads a fleet, and the scenarios of its kinds. @throws UserError, one line */
export function loadFleet(nameOrPath: string): Fleet {
  const path = resolveFleet(nameOrPath);
  const { value: config, at } = parseYaml(path, readText(path, MAX_BYTES), fleetSchema());
  const names = Object.keys(config.kinds);
  const used = new Set<string>();
  for (const [n, { phases }] of config.vms.entries()) {
    for (const [m, { kind }] of phases.entries()) {
      used.add(kind);
      if (names.includes(kind)) continue;
      const field = `vms[${n}].phases[${m}].kind`;
      const place = at(["vms", n, "phases", m, "kind"]);
      throw new UserError(
        `${place}: ${field}: there is no kind "${kind}"${nearest(kind, names)} (kinds: ${names.join(", ")})`,
      );
    }
  }
  for (const [n, { evacuate }] of config.events.entries()) {
    if (evacuate === "busiest" || evacuate < config.hosts.count) continue;
    throw new UserError(
      `${at(["events", n, "evacuate"])}: events[${n}].evacuate: there are hosts 0 to ${config.hosts.count - 1}, not ${evacuate}`,
    );
  }
  const { interval, length, warmUp } = config.curves;
  if (warmUp + interval > length) {
    throw new UserError(
      `${at(["curves", "interval"])}: curves.interval: no window of it in the curves' length behind the warm-up`,
    );
  }
  const kinds = Object.entries(config.kinds)
    .filter(([name]) => used.has(name))
    .map(([name, { scenario, set }]): LoadedKind => {
      const place = at(["kinds", name]);
      const overrides = set.map((text) => parseOverride(text, `${place}: kinds.${name}.set`));
      const load = loaderOf(besides(path, scenario));
      const loaded = load(overrides);
      refuseUnread(loaded);
      // Runs of a kind end when its curves are long enough, if the guest does not end before.
      const end = { path: ["until"], value: `${length} cycles`, origin: `${place}: kinds.${name}` };
      checkLoaded(load([...overrides, end]));
      const { vms } = loaded.scenario;
      if (vms.length !== 1) {
        throw new UserError(
          `${place}: kinds.${name}.scenario: expected one VM, and ${scenario} has ${vms.length}`,
        );
      }
      return { name, guest: { scenario: loaded.scenario, directory: loaded.directory } };
    });
  const fleet = { config, kinds, at };
  refuseMemory(fleet, ({ guest }) => guest.scenario.vms[0]?.memory);
  return fleet;
}

/**
 * The memory of a VM stays the same whatever kind of guest it is, and no VM has more than a host.
 * @param memoryOf pages of a kind; undefined: not known yet
 * @throws UserError
 */
export function refuseMemory(
  { config, kinds, at }: Fleet,
  memoryOf: (kind: LoadedKind) => number | undefined,
): void {
  const mebibytes = (pages: number): string => `${pages / PAGES_PER_MIB} MiB`;
  const memory = new Map(kinds.map((kind) => [kind.name, memoryOf(kind)]));
  for (const [name, pages] of memory) {
    if (pages === undefined || pages <= config.hosts.memory) continue;
    throw new UserError(
      `${at(["hosts", "memory"])}: hosts.memory: a VM of kind ${name} has ${mebibytes(pages)}, and a host ${mebibytes(config.hosts.memory)}`,
    );
  }
  for (const [n, { phases }] of config.vms.entries()) {
    const known = phases.flatMap(({ kind }) => {
      const pages = memory.get(kind);
      return pages === undefined ? [] : [{ kind, pages }];
    });
    const [first] = known;
    const other = known.find(({ pages }) => pages !== first?.pages);
    if (first === undefined || other === undefined) continue;
    throw new UserError(
      `${at(["vms", n, "phases"])}: vms[${n}].phases: a VM keeps its memory, and kind ${first.kind} has ${mebibytes(first.pages)}, kind ${other.kind} ${mebibytes(other.pages)}`,
    );
  }
}

/** Names of the shipped fleets, in order. */
export function shippedFleets(): string[] {
  return listDirectory(fleetDirectory())
    .filter((file) => file.endsWith(EXTENSION))
    .map((file) => file.slice(0, -EXTENSION.length))
    .sort();
}

/** The path of a fleet file, or of the shipped one of that name. @throws UserError */
export function resolveFleet(nameOrPath: string): string {
  if (nameOrPath === "") throw new UserError("expected a fleet, not an empty name");
  const kind = kindOfFile(nameOrPath);
  if (kind === "plain") return nameOrPath;
  if (kind !== "none") {
    throw new UserError(`${nameOrPath}: expected a fleet file, this is a ${kind}`);
  }
  const names = shippedFleets();
  if (names.includes(nameOrPath)) return join(fleetDirectory(), nameOrPath + EXTENSION);
  const hint = `${nearest(nameOrPath, names)} (shipped: ${names.join(", ")})`;
  throw new UserError(`${nameOrPath}: no such file, and no shipped fleet of that name${hint}`);
}

/** A file's name is relative to the fleet's file; a shipped scenario's name stays. */
function besides(fleet: string, scenario: string): string {
  if (isAbsolute(scenario)) return scenario;
  const path = join(dirname(fleet), scenario);
  return kindOfFile(path) === "none" && shippedScenarios().includes(scenario) ? scenario : path;
}

function fleetDirectory(): string {
  const path = packagePath("workloads", "fleets");
  if (path === null) throw new Error("the shipped fleets are missing");
  return path;
}
