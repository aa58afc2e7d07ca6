/** All kinds of operations: their configuration, and how to make one. */
import * as z from "zod";
import type { OperationFactory } from "../operation.ts";
import { measure, measureSchema } from "./measure.ts";

export const operationSchema = z
  .discriminatedUnion("kind", [measureSchema])
  .describe("what the toolstack does with the VMs");

export type OperationConfig = z.output<typeof operationSchema>;

/** @param deadlineCycles the scenario's `until`, 0 if it has none */
export function createOperation(config: OperationConfig, deadlineCycles: number): OperationFactory {
  return measure(config, deadlineCycles);
}
