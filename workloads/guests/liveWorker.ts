/** The thread of a live program. Its pages are numbered as a trace of it numbers them: by their first use. */
import { createRelocation } from "../trace/relocate.ts";
import { live } from "./live/guestThread.ts";
import { runGuest } from "./run.ts";
import type { GuestSpec } from "./spec.ts";

await live<GuestSpec, never>(async ({ order, writer }) => {
  const relocation = createRelocation("compact");
  const sink = {
    run: (page: number, kind: number, length: number): void =>
      writer.run(relocation.linearPage(page), kind, length),
  };
  const { exitCode } = await runGuest(order, sink, (bytes) => {
    for (const byte of bytes) writer.print(byte);
  });
  return { exitCode };
});
