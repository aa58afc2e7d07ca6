/** Every estimator, the users' among them. */

import type * as z from "zod";
import { unionOfKinds } from "../../../config/unionOfKinds.ts";
import { UserError } from "../../../errors.ts";
import type { Estimator } from "../estimator.ts";
import { accessedBits } from "./accessedBits.ts";
import { hyperLogLog } from "./hyperLogLog.ts";
import { type OwnConfig, type OwnEstimator, type OwnRule, ownEstimator } from "./own.ts";
import { pml } from "./pml.ts";
import { prl } from "./prl.ts";
import { shards } from "./shards.ts";
import { truth } from "./truth.ts";
import { vmware } from "./vmware.ts";

const BUILT_IN = [prl, pml, vmware, accessedBits, truth, hyperLogLog, shards] as const;

type BuiltIn = (typeof BUILT_IN)[number];
type SchemasOf<Declared extends readonly { readonly schema: z.ZodObject }[]> = {
  readonly [I in keyof Declared]: Declared[I]["schema"];
};

/** An estimator with its defaults filled in. The types know those that are built in alone. */
export type EstimatorConfig = z.output<BuiltIn["schema"]>;
/** What the process of an estimator goes by: plain data. */
export type EstimatorRule = ReturnType<BuiltIn["rule"]> | OwnRule;
type AnyEstimator = Estimator<EstimatorConfig | OwnConfig, EstimatorRule>;

const all = new Map<string, AnyEstimator>(BUILT_IN.map((one) => [one.kind, one]));

function unionOf() {
  const schemas: readonly z.ZodObject[] = [...all.values()].map(({ schema }) => schema);
  return unionOfKinds<SchemasOf<typeof BUILT_IN>>(schemas).describe(
    "how the working-set size is estimated; it decides the tracking technique, too",
  );
}

/** Of all kinds. Another one once an estimator was registered: importers see the present one. */
export let estimatorSchema = unionOf();

/** From now on `estimatorSchema` takes this kind. @throws UserError if the name is taken, or it is none */
export function addEstimator(own: OwnEstimator): void {
  if (all.has(own.kind)) {
    throw new UserError(`estimator "${own.kind}": there is one of this kind already`);
  }
  all.set(own.kind, ownEstimator(own));
  estimatorSchema = unionOf();
}

/** Those that were registered, in the order of their registration. */
export function ownEstimatorKinds(): string[] {
  return [...all.keys()].slice(BUILT_IN.length);
}

/** @throws UserError if there is none of that kind: a log or a result of somebody who had one */
export function estimatorNamed(kind: string): AnyEstimator {
  const found = all.get(kind);
  if (found === undefined) throw new UserError(`there is no estimator "${kind}"`);
  return found;
}

/** Of a rule. */
export function estimatorOf(rule: EstimatorRule): AnyEstimator {
  return estimatorNamed(rule.kind === "own" ? rule.name : rule.kind);
}
