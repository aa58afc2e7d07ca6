/** The checker for machines that are not ours: `import ... from "trackvisor/check"` (docs/check.md). */
export { type ActorModelSpec, type ActorState, actorModel } from "./actorModel.ts";
export { Exploration } from "./engine/exploration.ts";
export { over, type Property } from "./properties/property.ts";
export { type Trace, traceOf } from "./trace.ts";
export { verdictsOf } from "./verdicts.ts";
