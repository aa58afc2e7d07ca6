/** A film of a screen: frames, each with the time when it appears. As an asciicast (version 2), and as a picture that moves. */
import { type Line, widthOf } from "../../src/tui/canvas.ts";
import { Screen } from "../../src/tui/screen.ts";
import { baselineOf, GROUND, groundsOf, pictureWith, topOf, wordsOf } from "../../src/tui/svg.ts";
import { type Look, paint } from "../../src/tui/themes.ts";

export interface FilmFrame {
  /** Seconds from the beginning; ascending, the first at 0. */
  readonly at: number;
  /** As many in each frame, each as wide. */
  readonly lines: readonly Line[];
}

export interface Film {
  readonly title: string;
  readonly seconds: number;
  readonly frames: readonly FilmFrame[];
  /** What is shown where nothing moves. */
  readonly still: number;
}

const HIDE_CURSOR = "\x1b[?25l";

function sizeOf({ frames }: Film) {
  const [{ lines } = { lines: [] }] = frames;
  return { columns: Math.max(0, ...lines.map((line) => widthOf(line))), rows: lines.length };
}

/** What a terminal was sent and when: a header, then events, a line of JSON each. */
export function castOf(film: Film, look: Look): string {
  const { columns: width, rows: height } = sizeOf(film);
  let written = HIDE_CURSOR;
  // The last row of a terminal is never written to (screen.ts): here it is beyond the recorded ones.
  const terminal = {
    columns: width,
    rows: height + 1,
    write: (text: string) => {
      written += text;
    },
    on: () => {},
    off: () => {},
  };
  const screen = new Screen(terminal);
  const header = { version: 2, width, height, title: film.title, env: { TERM: "xterm-256color" } };
  const events = film.frames.flatMap(({ at, lines }) => {
    screen.show(lines.map((line) => paint(line, look)));
    const text = written;
    written = "";
    return text === "" ? [] : [[at, "o", text]];
  });
  return [header, ...events, [film.seconds, "o", ""]]
    .map((one) => `${JSON.stringify(one)}\n`)
    .join("");
}

/** Elements that are drawn once, and used by their numbers. */
class Once {
  readonly elements: string[] = [];
  readonly #prefix: string;
  readonly #numbers = new Map<string, number>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Its name. @param element the same with the name as its id */
  name(content: string, element: (id: string) => string): string {
    const known = this.#numbers.get(content) ?? this.#numbers.size;
    const name = `${this.#prefix}${known}`;
    if (known === this.#numbers.size) {
      this.#numbers.set(content, known);
      this.elements.push(element(name));
    }
    return name;
  }
}

/** The same as an SVG that moves by CSS alone. A word, or a row, that comes again is drawn once. */
export function movingPictureOf(film: Film, { theme }: Look): string {
  const [words, rows] = [new Once("w"), new Once("r")];
  const y = baselineOf(0);
  const rowName = (line: Line): string => {
    const used = wordsOf(line, theme).map(({ left, form, text }) => {
      const name = words.name(
        `${form}>${text}`,
        (id) => `<text id="${id}" y="${y}"${form}>${text}</text>`,
      );
      return `<use href="#${name}" x="${left}"/>`;
    });
    const content = `${groundsOf(line, 0, theme)}${used.join("")}`;
    return content === "" ? "" : rows.name(content, (id) => `<g id="${id}">${content}</g>`);
  };
  const pictures = film.frames.map(({ lines }) =>
    lines
      .map((line, row) => [rowName(line), topOf(row)] as const)
      .map(([name, top]) => (name === "" ? "" : `<use href="#${name}" y="${top}"/>`))
      .join(""),
  );
  const frames = pictures.map((picture, i) => `<g id="f${i}" class="f">${GROUND}${picture}</g>\n`);
  const style = `<style>
.f{visibility:hidden;animation:${film.seconds}s step-end infinite}
@media (prefers-reduced-motion:reduce){.f{animation:none}}
${film.frames.map((_, i) => timeOf(film, i)).join("")}</style>
`;
  const defs = `<defs>${[...words.elements, ...rows.elements].join("\n")}</defs>\n`;
  const still = `<g>${pictures[film.still] ?? ""}</g>\n`;
  return pictureWith(`${style}${defs}${still}${frames.join("")}`, sizeOf(film), film.title);
}

/** When a frame is to be seen, of the whole. */
function timeOf({ frames, seconds }: Film, i: number): string {
  const part = (at: number): string => `${Math.round((1e6 * at) / seconds) / 1e4}%`;
  const [from, to] = [frames[i]?.at ?? 0, frames[i + 1]?.at];
  const before = from === 0 ? "" : "0%{visibility:hidden}";
  const after = to === undefined ? "" : `${part(to)}{visibility:hidden}`;
  return `@keyframes k${i}{${before}${part(from)}{visibility:visible}${after}}#f${i}{animation-name:k${i}}\n`;
}
