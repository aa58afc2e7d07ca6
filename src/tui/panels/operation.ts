/** What the toolstack does. */
import { operationLength, operationView } from "../views/operation.ts";
import type { Panel } from "./panel.ts";

/** Rows for an operation of which all is asked for. */
const WHOLE = 1 << 20;

export const operationPanel: Panel = {
  name: "operation",
  place: "operation",
  needs: ["operation"],
  wish: () => 4,
  greedy: true,
  head: 1,
  lines: ({ frame, look }, area) =>
    operationView(frame.operation, { ...area, height: WHOLE }, look),
  // The first facts and the last rows of its table. To lay out all of a long one would cost each frame.
  digest: {
    lines: ({ frame, look }, area) => operationView(frame.operation, area, look),
    length: ({ frame }, width) => operationLength(frame.operation, width),
  },
  sentences: ({ frame: { operation } }) => [`${operation.kind}: ${operation.headline}.`],
};
