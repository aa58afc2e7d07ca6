/**
 * `npm run tour`: writes docs/tour.cast and docs/tour.svg, the tour of docs/tui.md, from the program's own frames (script.ts).
 * The same program gives the same files; a test compares.
 */
import { join } from "node:path";
import { writeOutput } from "../../src/io/outputFile.ts";
import { castOf, movingPictureOf } from "./film.ts";
import { LOOK, recorded } from "./record.ts";
import { TOUR } from "./script.ts";

/** From dist/test/tour. */
const DOCS = join(import.meta.dirname, "..", "..", "..", "docs");

const film = recorded(TOUR);
writeOutput(join(DOCS, "tour.cast"), castOf(film, LOOK), { force: true });
writeOutput(join(DOCS, "tour.svg"), movingPictureOf(film, LOOK), { force: true });
process.stdout.write(`${film.frames.length} frames, ${film.seconds} s\n`);
