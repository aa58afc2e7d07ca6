/**
 * What there is to see of long work at one moment: a search of the checker, the runs of a sweep or of an experiment. Plain
 * data, made by who does the work; the view (liveView.ts) is a function of it, and nothing of the work depends on it.
 */
import type { PlotFrame } from "../../session/frame.ts";
import type { StyleName } from "../themes.ts";

/** Runs of one kind. */
export interface LivePart {
  readonly what: string;
  readonly done: number;
  readonly total: number;
  /** From 0 to 1, weighed by what each costs. */
  readonly part: number;
  /** Seconds that are left; null: not known yet. */
  readonly left: number | null;
}

/** A property and what is known of it, or a run that has ended. */
export interface LiveRow {
  readonly sign: string;
  readonly style: StyleName;
  readonly text: string;
  /** What else there is to say of it; "" = nothing. */
  readonly note: string;
}

export interface LiveFrame {
  /** What is done: "check pml". */
  readonly title: string;
  /** Where it is: "exploring". */
  readonly phase: string;
  /** Nothing more is done. */
  readonly isOver: boolean;
  /** Since it began. */
  readonly seconds: number;
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly parts: readonly LivePart[];
  /** The first that there is room for is shown. */
  readonly plot: PlotFrame | null;
  readonly list: { readonly title: string; readonly rows: readonly LiveRow[] };
  /** What "open" does with the row under the cursor, in a word; "" = there is nothing to open. */
  readonly opens: string;
}
