/** Where panels stand: columns side by side, places one above the other. Panels that name one place take turns in it. */

/** By the width of the screen. Every place is in both. */
export const COLUMNS = {
  two: [
    ["machine", "messages"],
    ["logs", "pages", "operation", "counters"],
  ],
  three: [["machine", "logs", "counters"], ["messages"], ["pages", "operation"]],
} as const;

export type PlaceName = (typeof COLUMNS)[keyof typeof COLUMNS][number][number];
