/** The screen as React components. Each panel is drawn anew only when what it shows has changed. */
import { Box, type Key, Text, useInput } from "ink";
import { memo } from "react";
import type { Area, Line } from "./canvas.ts";
import {
  coverLines,
  footerLine,
  framed,
  headerLine,
  innerOf,
  paletteLines,
  panelLines,
  panelParts,
  panelTitle,
  spoken,
} from "./compose.ts";
import { PANELS, type PanelName } from "./layout.ts";
import type { Rows } from "./rows.ts";
import { layoutFor, type Shown } from "./shown.ts";
import { type Look, paint } from "./themes.ts";

/** Places of rows (rows.ts). */
const Place = { header: 0, footer: 1, palette: 2, cover: 3, panels: 4 } as const;

interface AppProps {
  readonly shown: Shown;
  readonly linear: boolean;
  readonly rows: Rows;
  readonly onKey: (input: string, key: Key) => void;
}

export function App({ shown, linear, rows, onKey }: AppProps) {
  useInput(onKey);
  const { look } = shown;
  if (linear) return <Lines place={Place.cover} lines={spoken(shown)} look={look} rows={rows} />;
  const layout = layoutFor(shown, shown.frame);
  const { screen } = layout;
  const cover = coverLines(shown, { width: screen.width, height: Math.max(0, screen.height - 2) });
  return (
    <Box flexDirection="column" height={shown.rows - 1}>
      <Lines place={Place.header} lines={[headerLine(shown)]} look={look} rows={rows} />
      {cover === null ? (
        <Panels shown={shown} rows={rows} />
      ) : (
        <Lines place={Place.cover} lines={cover} look={look} rows={rows} />
      )}
      {shown.mode === "palette" && (
        <Lines place={Place.palette} lines={paletteLines(shown)} look={look} rows={rows} />
      )}
      <Lines place={Place.footer} lines={[footerLine(shown)]} look={look} rows={rows} />
    </Box>
  );
}

function Panels({ shown, rows }: { readonly shown: Shown; readonly rows: Rows }) {
  const { columns } = layoutFor(shown, shown.frame);
  const focused = shown.ui.panels[shown.ui.focus];
  return (
    <Box flexShrink={0}>
      {columns.map((placed) => (
        <Box key={placed[0]?.panel} flexDirection="column" flexShrink={0}>
          {placed.map(({ panel, area }) => (
            <Panel
              key={panel}
              panel={panel}
              area={area}
              title={panelTitle(panel, shown)}
              focused={panel === focused}
              shown={shown}
              rows={rows}
            />
          ))}
        </Box>
      ))}
    </Box>
  );
}

interface PanelProps {
  readonly panel: PanelName;
  readonly area: Area;
  readonly title: string;
  readonly focused: boolean;
  readonly shown: Shown;
  readonly rows: Rows;
}

const Panel = memo(({ panel, area, title, focused, shown, rows }: PanelProps) => {
  const { look } = shown;
  const lines = framed(title, panelLines(panel, shown, innerOf(area)), area, focused, look);
  return (
    <Lines place={Place.panels + PANELS.indexOf(panel)} lines={lines} look={look} rows={rows} />
  );
}, samePanel);

function samePanel(before: PanelProps, now: PanelProps): boolean {
  const parts = panelParts(now.panel, now.shown);
  return (
    before.title === now.title &&
    before.focused === now.focused &&
    before.area.width === now.area.width &&
    before.area.height === now.area.height &&
    before.shown.look === now.shown.look &&
    panelParts(before.panel, before.shown).every((part, i) => part === parts[i])
  );
}

interface LinesProps {
  readonly place: number;
  readonly lines: readonly Line[];
  readonly look: Look;
  readonly rows: Rows;
}

/** Painted lines behind a column of marks (rows.ts). */
function Lines({ place, lines, look, rows }: LinesProps) {
  const marks = rows.mark(
    place,
    lines.map((one) => paint(one, look)),
  );
  return (
    <Box flexShrink={0} width={1} height={lines.length}>
      <Text>{marks.join("\n")}</Text>
    </Box>
  );
}
