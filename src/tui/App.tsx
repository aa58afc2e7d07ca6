/**
 * The screen as React components. Ink lays out boxes, anew only when the layout changes. What is to be seen
 * is painted anew only where it has changed, into blocks (blocks.ts), of which Ink sees one mark each.
 */
import { Box, type Key, Text, useInput } from "ink";
import { createContext, memo, useContext, useRef } from "react";
import { Blocks } from "./blocks.ts";
import type { Line } from "./canvas.ts";
import {
  coverLines,
  footerLine,
  footerParts,
  headerLine,
  paletteLines,
  panelLines,
  panelParts,
  panelTitle,
  spoken,
} from "./compose.ts";
import { type Layout, PANELS, type Placed, sameLayout } from "./layout.ts";
import { isCovered } from "./modes.ts";
import { layoutFor, type Shown } from "./shown.ts";
import { paint } from "./themes.ts";

/** Places of blocks (blocks.ts). */
const Place = { header: 0, footer: 1, palette: 2, cover: 3, spoken: 4, panels: 5 } as const;

interface Drawn {
  readonly shown: Shown;
  readonly blocks: Blocks;
}

interface AppProps extends Drawn {
  readonly linear: boolean;
  readonly onKey: (input: string, key: Key) => void;
}

const DrawnContext = createContext<Drawn | null>(null);

export function App({ shown, blocks, linear, onKey }: AppProps) {
  useInput(onKey);
  return (
    <DrawnContext value={{ shown, blocks }}>
      {linear ? (
        <Spoken />
      ) : (
        <Arrangement
          layout={layoutFor(shown, shown.frame)}
          height={shown.rows - 1}
          covered={isCovered(shown.mode)}
          palette={shown.mode === "palette"}
        />
      )}
    </DrawnContext>
  );
}

interface ArrangementProps {
  readonly layout: Layout;
  readonly height: number;
  /** A view lies over the panels. */
  readonly covered: boolean;
  readonly palette: boolean;
}

/** What Ink lays out. */
const Arrangement = memo(
  ({ layout, height, covered, palette }: ArrangementProps) => (
    <Box flexDirection="column" height={height}>
      <Header />
      {covered ? <Cover height={Math.max(0, layout.screen.height - 2)} /> : <Panels {...layout} />}
      {palette && <Palette />}
      <Footer />
    </Box>
  ),
  (before, now) =>
    before.height === now.height &&
    before.covered === now.covered &&
    before.palette === now.palette &&
    sameLayout(before.layout, now.layout),
);

function Panels({ columns }: Layout) {
  return (
    <Box flexShrink={0}>
      {columns.map((placed) => (
        <Box key={placed[0]?.panel} flexDirection="column" flexShrink={0}>
          {placed.map((one) => (
            <Panel key={one.panel} {...one} />
          ))}
        </Box>
      ))}
    </Box>
  );
}

function Panel({ panel, area }: Placed) {
  const { shown } = useDrawn();
  const { look, ui } = shown;
  const title = panelTitle(panel, shown);
  const focused = panel === ui.panels[ui.focus];
  return useBlock(
    Place.panels + PANELS.indexOf(panel),
    [title, focused, area.width, area.height, look, ...panelParts(panel, shown)],
    () => panelLines(panel, shown, area, focused),
  );
}

function Header() {
  const { shown } = useDrawn();
  return useBlock(Place.header, [shown], () => [headerLine(shown)]);
}

function Footer() {
  const { shown } = useDrawn();
  return useBlock(Place.footer, footerParts(shown), () => [footerLine(shown)]);
}

function Palette() {
  const { shown } = useDrawn();
  return useBlock(Place.palette, [shown], () => paletteLines(shown));
}

function Cover({ height }: { readonly height: number }) {
  const { shown } = useDrawn();
  return useBlock(Place.cover, [shown], () => coverLines(shown, { width: shown.columns, height }));
}

function Spoken() {
  const { shown } = useDrawn();
  return useBlock(Place.spoken, [shown], () => spoken(shown));
}

function useDrawn(): Drawn {
  const drawn = useContext(DrawnContext);
  if (drawn === null) throw new Error("nothing is drawn outside of App");
  return drawn;
}

/** A block at a place, painted anew when one of its parts is another. */
function useBlock(place: number, parts: readonly unknown[], lines: () => readonly Line[]) {
  const { shown, blocks } = useDrawn();
  const painted = useRef<{ readonly parts: readonly unknown[]; readonly height: number }>(null);
  const last = painted.current;
  if (last === null || last.parts.some((part, i) => part !== parts[i])) {
    const rows = lines().map((one) => paint(one, shown.look));
    blocks.keep(place, rows);
    painted.current = { parts, height: rows.length };
  }
  return <Block place={place} height={painted.current?.height ?? 0} />;
}

const Block = memo(({ place, height }: { readonly place: number; readonly height: number }) => (
  <Box flexShrink={0} width={1} height={height}>
    <Text>{Blocks.mark(place)}</Text>
  </Box>
));
