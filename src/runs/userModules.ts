/**
 * Modules of users that register workloads, trackers and estimators: imported here, and again in each thread that does runs. Their
 * digests are part of the identity of a run that uses a kind of theirs.
 */
import { createHash } from "node:crypto";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { ownWorkloadKinds } from "../../workloads/workloadKinds.ts";
import { UserError } from "../errors.ts";
import { ownTrackerNames } from "../hypervisor/techniques/all.ts";
import { ownEstimatorKinds } from "../hypervisor/wss/estimators/all.ts";
import { kindOfFile, readText } from "../io/inputFile.ts";
import { loadUserModule } from "../io/userModule.ts";
import { configured } from "../system/operations/all.ts";
import type { Scenario } from "../system/scenarioSchema.ts";
import * as face from "./moduleFace.ts";

/** Source text of one file. */
const FILE_BYTES_MAX = 8 << 20;
const ENDINGS = [
  "",
  ".ts",
  ".mts",
  ".cts",
  ".js",
  ".mjs",
  ".cjs",
  ".json",
  "/index.ts",
  "/index.js",
];
/** What a module imports by a relative name; one in a comment does no harm. */
const IMPORTS = /\b(?:from|import|require)\s*\(?\s*["'](\.{1,2}\/[^"'\n]+)["']/g;

/** A module as another thread finds it. */
export interface UserModule {
  /** Absolute. */
  readonly path: string;
  /** Of its text, and of all that it imports by relative names. */
  readonly digest: string;
}

interface ImportedModule extends UserModule {
  /** Kinds that it has registered, such as "workload stripes". */
  readonly kinds: readonly string[];
}

const imported = new Map<string, ImportedModule>();
/** One after the other: whose kinds are new has to be known. */
let before: Promise<void> = Promise.resolve();

/**
 * Imports a module, once. What it registers can be named in scenarios from then on, in this thread and in those
 * that do runs.
 * @param name of its file
 * @param digest that it must have; if not given, any
 * @throws UserError if there is no such file, it cannot be loaded, registers nothing, or has another digest
 */
export function importModule(name: string, digest?: string): Promise<void> {
  const mine = before.then(() => importNow(name, digest));
  before = mine.catch(() => {});
  return mine;
}

async function importNow(name: string, digest?: string): Promise<void> {
  const path = resolve(name);
  const known = imported.get(path);
  if (known === undefined) {
    if (kindOfFile(path) !== "plain") throw new UserError(`${name}: there is no such file`);
    const earlier = new Set(registeredKinds());
    const own = { path, digest: digestOfModule(path) };
    await loadUserModule(name, path, { trackvisor: face, zod: { z, default: z, ...z } });
    const kinds = registeredKinds().filter((kind) => !earlier.has(kind));
    if (kinds.length === 0) {
      throw new UserError(
        `${name}: registers nothing; a module calls registerWorkload, registerTracker, registerUnit or registerEstimator`,
      );
    }
    imported.set(path, { ...own, kinds });
  }
  if (digest !== undefined && imported.get(path)?.digest !== digest) {
    throw new UserError(`${name}: has changed since it was imported`);
  }
}

/** What other threads have to import. */
export function importedModules(): readonly UserModule[] {
  return [...imported.values()].map(({ path, digest }) => ({ path, digest }));
}

/**
 * Digests of the modules whose kinds a scenario uses, in the order of the modules' import.
 * @throws UserError if it uses one that no module has registered: other threads do not know it
 */
export function modulesOf(scenario: Scenario): readonly string[] {
  const used = kindsOf(scenario);
  const modules = [...imported.values()];
  const unknown = used.find((kind) => !modules.some(({ kinds }) => kinds.includes(kind)));
  if (unknown !== undefined) {
    throw new UserError(
      `${unknown}: was registered in this thread alone; put it into a file, for importModule("./my-module.js")`,
    );
  }
  return modules
    .filter(({ kinds }) => kinds.some((kind) => used.includes(kind)))
    .map(({ digest }) => digest);
}

function registeredKinds(): string[] {
  return [
    ...ownWorkloadKinds().map((kind) => `workload ${kind}`),
    ...ownEstimatorKinds().map((kind) => `estimator ${kind}`),
    ...ownTrackerNames().map((name) => `tracker ${name}`),
  ];
}

/** Registered ones that a scenario uses. */
function kindsOf({ vms, operation, tracker, faults }: Scenario): string[] {
  const own = configured(operation, faults);
  const { estimator } = own;
  const known = new Set(registeredKinds());
  const named = [
    ...vms.map(({ workload }) => `workload ${workload.kind}`),
    ...(estimator === null ? [] : [`estimator ${estimator}`]),
    // An estimator has one of its own choice.
    `tracker ${own.technique(tracker.technique)}`,
  ];
  return [...new Set(named)].filter((kind) => known.has(kind));
}

function digestOfModule(path: string): string {
  const hash = createHash("sha256");
  const seen = new Set<string>();
  const add = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readText(file, FILE_BYTES_MAX);
    // The path would make a run another one where the files lie elsewhere.
    hash.update(`${text.length}\n`).update(text);
    for (const [, name = ""] of text.matchAll(IMPORTS)) {
      const found = fileOf(resolve(dirname(file), name));
      if (found !== null) add(found);
    }
  };
  add(path);
  return hash.digest("hex").slice(0, 32);
}

/** As jiti finds it; null if there is none. */
function fileOf(path: string): string | null {
  const candidates = [
    ...ENDINGS.map((ending) => path + ending),
    path.replace(/\.([cm]?)js$/, ".$1ts"),
  ];
  return candidates.find((one) => kindOfFile(one) === "plain") ?? null;
}
