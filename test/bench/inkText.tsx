/**
 * What a frame would cost if Ink laid its rows out as Text in Boxes, for docs/decisions/0001-screen.md: the same rows, painted
 * already, handed to Ink as its documentation shows, with its frame limit out of the way.
 */
import { EventEmitter } from "node:events";
import { performance } from "node:perf_hooks";
import { Box, type Instance, type RenderOptions, render, Text } from "ink";
import { Session } from "../../src/session/session.ts";
import type { Scenario } from "../../src/system/scenarioSchema.ts";
import { screenRows } from "../../src/tui/batch.ts";
import { UNICODE } from "../../src/tui/themes.ts";
import { median, percentile, type Result } from "./harness.ts";

const LOOK = { theme: "default", colours: "256", glyphs: UNICODE } as const;
const WARM_UP = 40;
const FRAMES = 100;
const MESSAGES_PER_FRAME = 200;

class Output extends EventEmitter {
  readonly isTTY = true;
  readonly columns: number;
  readonly rows: number;

  constructor(columns: number, rows: number) {
    super();
    this.columns = columns;
    this.rows = rows;
  }

  write(): boolean {
    return true;
  }
}

/** @param incrementalRendering Ink's own option: it writes only lines that differ */
async function frames(
  scenario: Scenario,
  columns: number,
  rows: number,
  incrementalRendering: boolean,
): Promise<Result> {
  const session = Session.start(scenario, ".");
  const options: object = {
    stdout: new Output(columns, rows),
    maxFps: 1e6,
    patchConsole: false,
    exitOnCtrlC: false,
    incrementalRendering,
  };
  let instance: Instance | undefined;
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + FRAMES; i++) {
    session.advance(MESSAGES_PER_FRAME);
    const lines = screenRows(session, LOOK, { columns, rows: rows - 1 });
    const start = performance.now();
    const screen = (
      <Box flexDirection="column">
        {lines.map((text, row) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a row of the screen is known by its place
          <Text key={row} wrap="truncate">
            {text}
          </Text>
        ))}
      </Box>
    );
    if (instance === undefined) instance = render(screen, options as RenderOptions);
    else instance.rerender(screen);
    if (i >= WARM_UP) times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  instance?.unmount();
  return {
    what: `tui: its rows by Ink at ${columns}x${rows}${incrementalRendering ? ", incremental" : ""}, 95 %`,
    value: percentile(times, 0.95),
    unit: "ms",
    note: `median ${median(times).toFixed(1)}, beside making the rows`,
  };
}

export async function inkText(scenario: Scenario): Promise<Result[]> {
  const results: Result[] = [];
  for (const [columns, rows] of [
    [120, 40],
    [200, 60],
  ] as const) {
    for (const incremental of [false, true]) {
      results.push(await frames(scenario, columns, rows, incremental));
    }
  }
  return results;
}
