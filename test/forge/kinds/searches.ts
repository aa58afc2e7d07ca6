/** Searches of the checker that were saved, to go on with. */
import { createHash } from "node:crypto";
import type { Random } from "../../../workloads/random.ts";
import { mutate, mutateBytes } from "../mutate.ts";
import { FILE, type Kind } from "./kind.ts";

const DIGEST_BYTES = 32;

function forge(random: Random, bytes: Buffer): Buffer {
  const end = bytes.indexOf(0x0a);
  let head = bytes.subarray(0, end);
  let words = bytes.subarray(end + 1, bytes.length - DIGEST_BYTES);
  if (random.below(3) > 0) {
    const header = JSON.parse(head.toString("utf8")) as object;
    mutate(random, header);
    head = Buffer.from(JSON.stringify(header));
  } else words = mutateBytes(random, words);
  const body = Buffer.concat([head, Buffer.from("\n"), words]);
  return Buffer.concat([body, createHash("sha256").update(body).digest()]);
}

/** @param saved what `trackvisor check --save` has written */
export function searches(saved: readonly Buffer[]): Kind {
  return {
    name: "search",
    extension: ".search",
    beside: {},
    forge: (random) => forge(random, saved[random.below(saved.length)]!),
    commands: [
      ["check", "--continue", FILE, "--bound", "states=400"],
      ["check", "--continue", FILE, "--bound", "states=400", "--json"],
      ["check", "--continue", FILE, "--bound", "states=400", "--save", "out.search"],
    ],
  };
}
