/** Answers as lines of text: "ok", an error's name, pages in ranges, or how a run of the guest ended. */

/** Pages that follow one another are a range: "3 64-127"; none is "none". */
export function pagesText(pages: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const page of pages) {
    const run = runs.at(-1);
    if (run !== undefined && page === run[1] + 1) run[1] = page;
    else runs.push([page, page]);
  }
  if (runs.length === 0) return "none";
  return runs.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(" ");
}

/** Entries of a ring, in its order: "slot 0: 3 64-127, slot 1: 5". */
export function entriesText(entries: readonly { slot: number; page: number }[]): string {
  const pieces: { slot: number; pages: number[] }[] = [];
  for (const { slot, page } of entries) {
    const piece = pieces.at(-1);
    if (piece !== undefined && piece.slot === slot) piece.pages.push(page);
    else pieces.push({ slot, pages: [page] });
  }
  if (pieces.length === 0) return "none";
  return pieces.map(({ slot, pages }) => `slot ${slot}: ${pagesText(pages)}`).join(", ");
}

/** Pages whose copies are not what the memory has in the end; and all that logs have named, ascending. */
export function raceText(lost: number, pages: readonly number[]): string {
  return `${lost} lost; logged: ${pagesText(pages)}`;
}

/** What ask.c printed, in that form. */
export function fromLine(line: string): string {
  const [word, ...rest] = line.trimEnd().split(" ");
  if (word === "pages") return pagesText(rest.map(Number));
  if (word === "lost") return raceText(Number(rest[0]), rest.slice(1).map(Number));
  if (word !== "entries") return line.trimEnd();
  const entries = rest.map((text) => {
    const [slot = 0, page = 0] = text.split(":").map(Number);
    return { slot, page };
  });
  return entriesText(entries);
}
