/** What a screen asks of the session: as much as its panels can show, and no more. */
import type { Frame } from "../session/frame.ts";
import type { FrameRequest, Sampler } from "../session/sampler.ts";
import type { StreamFilter } from "../session/streamFilter.ts";
import { areaOf, type Layout, layoutFor } from "./layout.ts";
import { PANELS } from "./panels/all.ts";
import type { Sized } from "./screenState.ts";

/** Messages that a filter looks back over while the run goes on, and while it stands. */
const DEPTH_RUNNING = 1024;
const DEPTH_PAUSED = 1 << 14;

/** The least: for a layout, which depends on what there is to show. */
export const LEAST_REQUEST: FrameRequest = {
  vm: 0,
  cells: 1,
  page: null,
  magnified: 0,
  stream: { rows: 1, end: null, filter: null },
  lanes: null,
  console: null,
  plots: false,
  beside: false,
  actor: null,
  message: null,
  depth: 1,
};

export interface RequestSurroundings {
  readonly present: number;
  /** Names in the order of the list. */
  readonly actors: readonly string[];
  readonly filter: StreamFilter | null;
  readonly running: boolean;
}

/** Which actor is in view: in its chart as it stood behind the message under the cursor. */
function actorAsked({ mode, ui }: Sized, actors: readonly string[]): FrameRequest["actor"] {
  const name = actors[ui.actor];
  if (name === undefined) return null;
  if (mode === "actors") return { name, way: null };
  if (mode !== "chart") return null;
  return { name, way: { at: ui.cursor < 0 ? Number.POSITIVE_INFINITY : ui.cursor } };
}

/**
 * What a screen shows now. It is asked for by the areas of its panels, and these depend on what there is to show: where they turn
 * out to be other ones than they were, it is asked for again.
 * @param last what was shown last; null = nothing
 */
export function frameFor(
  sampler: Sampler,
  sized: Sized,
  surroundings: RequestSurroundings,
  last: Frame | null,
): Frame {
  const before = layoutFor(sized, last ?? sampler.sample(LEAST_REQUEST));
  const frame = sampler.sample(requestOf(sized, before, surroundings));
  const layout = layoutFor(sized, frame);
  return areasIn(before) === areasIn(layout)
    ? frame
    : sampler.sample(requestOf(sized, layout, surroundings));
}

function areasIn({ columns }: Layout): string {
  return columns.flatMap((stack) => stack.map(({ area }) => `${area.width} ${area.height}`)).join();
}

function requestOf(
  sized: Sized,
  layout: Layout,
  { present, actors, filter, running }: RequestSurroundings,
): FrameRequest {
  const { ui, mode } = sized;
  return Object.assign(
    { ...LEAST_REQUEST },
    ...PANELS.map((panel) => panel.asks?.(areaOf(layout, panel), { ui, filter })),
    {
      actor: actorAsked(sized, actors),
      message: mode === "message" ? Math.max(1, ui.cursor < 0 ? present : ui.cursor) : null,
      depth: running ? DEPTH_RUNNING : DEPTH_PAUSED,
    },
  );
}
