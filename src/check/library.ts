/** The checker for machines that are not ours: `import ... from "trackvisor/check"` (docs/check-library.md). */
export { actorModel } from "./actorModel.ts";
export { isLinearizable, type OperationEvent } from "./actors/linearizability.ts";
export type { FileParameter, ModelFile } from "./actors/modelFileSpec.ts";
export { allOf, anyOf, inState, isCrashed, not } from "./actors/predicates.ts";
export type {
  ActorModelSpec,
  ActorSpec,
  ActorState,
  CrashSpec,
  Ends,
  ObserverSpec,
  Timer,
  Wire,
} from "./actors/spec.ts";
export type { ChannelKind, Fairness, WhenFull } from "./engine/channel.ts";
export { Exploration, type ExplorationOptions } from "./engine/exploration.ts";
export type { Ending } from "./engine/explored.ts";
export type { MemberSpec, Model } from "./engine/model.ts";
export {
  over,
  type Predicate,
  type Property,
  type SeenStep,
  type Verdict,
} from "./properties/property.ts";
export { type Trace, type TraceStep, traceOf } from "./trace.ts";
export { type PropertyResult, verdictsOf } from "./verdicts.ts";
