/** Everything that a run depends on, as data. */
import type { PartSnapshot } from "../hardware/part.ts";
import type { InterconnectSnapshot } from "../interconnect/interconnect.ts";
import type { ActorSnapshot } from "./actors.ts";

export interface SystemSnapshot {
  readonly interconnect: InterconnectSnapshot;
  readonly actors: Readonly<Record<string, ActorSnapshot>>;
  readonly parts: readonly PartSnapshot[];
}
