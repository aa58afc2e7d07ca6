/** The tour is what the program shows today; it can be read in the time it takes; and it says what happens when a log fills. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { widthOf } from "../../src/tui/canvas.ts";
import { FakeOutput } from "../tui/fakeTerminal.ts";
import { castOf, movingPictureOf } from "./film.ts";
import { CAPTION_LINES, LOOK, recorded } from "./record.ts";
import { TOUR } from "./script.ts";

const DOCS = join(import.meta.dirname, "..", "..", "docs");
/** Characters a second that subtitles are read at, with ease (BBC's guidelines: 160 to 180 words a minute). */
const READ_PER_SECOND = 17;

const film = recorded(TOUR);
const textOf = (lines: (typeof film.frames)[number]["lines"]): string =>
  lines
    .map((line) =>
      line
        .map(({ text }) => text)
        .join("")
        .trimEnd(),
    )
    .join("\n");

describe("the tour", () => {
  it("is in the documentation as the program shows it today (npm run tour)", () => {
    expect(readFileSync(join(DOCS, "tour.cast"), "utf8")).toBe(castOf(film, LOOK));
    expect(readFileSync(join(DOCS, "tour.svg"), "utf8")).toBe(movingPictureOf(film, LOOK));
  });

  it("takes about two minutes, and leaves time to read what is said", () => {
    expect(film.seconds).toBeGreaterThan(100);
    expect(film.seconds).toBeLessThan(140);
    for (const { caption, keys = [], every = 0.6, hold } of TOUR.scenes) {
      const text = caption.join(" ");
      const seconds = hold + every * Math.max(0, keys.length - 1);
      expect(text.length / seconds, text).toBeLessThanOrEqual(READ_PER_SECOND);
      expect(caption.length).toBeLessThanOrEqual(CAPTION_LINES);
      for (const line of caption) expect(line.length).toBeLessThan(TOUR.columns);
    }
  });

  it("says of the screen what is to be seen there", () => {
    const shown = film.frames.map(({ lines }) => textOf(lines));
    const during = (caption: string) => shown.filter((text) => text.includes(caption));
    expect(during("It has 512 entries").at(-1)).toMatch(/PML vcpu0.·+ +511 /);
    expect(during("Each sign stands for").at(-1)).toContain("of 940 written");
    const full = during("The log is full.").at(-1);
    expect(full).toContain("susp.");
    expect(full).toContain("507 of 940 written");
    expect(during("there is no room in the log").at(-1)).toContain("pmlIndexOutOfRange");
    expect(during("is stopped just before").at(-1)).toContain("guestStopped");
    expect(during("This is called a VM exit").at(-1)).toContain(
      "▸ ──────────▶    │    │    │    vmExit",
    );
    const copied = during("into a list of its own").at(-1)!;
    expect(copied).toMatch(/PML vcpu0 ·+ +511 /);
    expect(copied).toContain("■");
    expect(copied.split("─".repeat(TOUR.columns))[0]).not.toContain("◆");
    const clocks = during("a quarter of a millisecond").map(
      (text) => /(\d\.\d+)ms {2}message/.exec(text)?.[1],
    );
    const before = /(\d\.\d+)ms {2}message/.exec(copied)?.[1];
    expect(Number(clocks.at(-1)) - Number(before)).toBeCloseTo(0.25, 1);
    expect(during("the very write that was stopped").at(-1)).toContain("◆");
  });

  it("is one size, and written as the screen writes it: played, it shows the frames", () => {
    const [header, ...events] = castOf(film, LOOK)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(header).toMatchObject({ version: 2, width: TOUR.columns });
    const output = new FakeOutput(header.width, header.height);
    let [at, frame] = [0, 0];
    for (const [time, kind, text] of events) {
      expect(kind).toBe("o");
      expect(time).toBeGreaterThanOrEqual(at);
      at = time;
      output.write(text);
      while (film.frames[frame + 1] !== undefined && film.frames[frame + 1]!.at <= time) frame++;
      expect(output.text).toBe(textOf(film.frames[frame]!.lines).trimEnd());
    }
    expect(output.overflow).toBe(0);
    for (const { lines } of film.frames) {
      for (const line of lines) expect(widthOf(line)).toBe(TOUR.columns);
    }
  });

  it("as a picture shows one frame at each time", () => {
    const svg = movingPictureOf(film, LOOK);
    const frames = [...svg.matchAll(/@keyframes k(\d+)\{(.*?)\}#/g)].map(
      ([, number, keys = ""]) => {
        const stops = [...keys.matchAll(/([\d.]+)%\{visibility:(\w+)\}/g)].map(([, part, how]) => ({
          part: Number(part),
          how,
        }));
        const from = stops.find(({ how }) => how === "visible")?.part;
        const to =
          stops.find(({ how, part }) => how === "hidden" && part > (from ?? 0))?.part ?? 100;
        return { number: Number(number), from, to };
      },
    );
    expect(frames).toHaveLength(film.frames.length);
    expect(frames[0]?.from).toBe(0);
    frames.slice(1).forEach(({ from }, i) => {
      expect(from).toBe(frames[i]?.to);
    });
    expect(frames.at(-1)?.to).toBe(100);
    expect(svg.length).toBeLessThan(600_000);
  });
});
