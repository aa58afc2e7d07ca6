/** What a screen asks of the session: as much as it can show, and no more. */
import type { Frame } from "../session/frame.ts";
import type { FrameRequest } from "../session/sampler.ts";
import type { StreamFilter } from "../session/streamFilter.ts";
import { innerOf } from "./compose.ts";
import { layoutFor, type Sized } from "./shown.ts";
import { mapOf } from "./views/pages.ts";

/** Messages that a filter looks back over while the run goes on, and while it stands. */
const DEPTH_RUNNING = 1024;
const DEPTH_PAUSED = 1 << 14;

export interface RequestSurroundings {
  /** The last one: the layout depends on what there is to show. */
  readonly frame: Frame | null;
  readonly present: number;
  /** Names in the order of the list. */
  readonly actors: readonly string[];
  readonly filter: StreamFilter | null;
  readonly running: boolean;
}

export function requestOf(sized: Sized, surroundings: RequestSurroundings): FrameRequest {
  const { ui, mode } = sized;
  const { frame, present, actors, filter, running } = surroundings;
  const placed = layoutFor(sized, frame).columns.flat();
  const areaOf = (panel: string) =>
    innerOf(placed.find((one) => one.panel === panel)?.area ?? { width: 0, height: 0 });
  const map = mapOf(areaOf("pages"));
  return {
    vm: ui.vm,
    cells: Math.max(1, map.width * map.height),
    stream: {
      rows: Math.max(1, areaOf("stream").height),
      end: ui.cursor < 0 ? null : ui.cursor,
      filter,
    },
    actor: mode === "actors" ? (actors[ui.actor] ?? null) : null,
    message: mode === "message" ? Math.max(1, ui.cursor < 0 ? present : ui.cursor) : null,
    depth: running ? DEPTH_RUNNING : DEPTH_PAUSED,
  };
}
