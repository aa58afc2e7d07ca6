/** The thread that looks on (stepWatch.ts). The thread of the search cannot print, or end: it is in the step. */
import { workerData } from "node:worker_threads";
import { noteAtOnce } from "../../io/standardStreams.ts";
import { wordAt } from "../../lookup.ts";
import { BEGUN, TEXT_LENGTH, UNDER_WAY, type WatchTask } from "./stepWatch.ts";

const LOOKS = 10;
const MILLISECONDS = 1000;

const { words, text, seconds }: WatchTask = workerData;
const nothing = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
const pause = (seconds * MILLISECONDS) / LOOKS;

let seen = 0;
let looks = 0;
for (;;) {
  Atomics.wait(nothing, 0, 0, pause);
  const isSame = Atomics.load(words, UNDER_WAY) === 1 && words[BEGUN] === seen;
  seen = wordAt(words, BEGUN);
  looks = isSame ? looks + 1 : 0;
  if (looks >= LOOKS) break;
}
const what = new TextDecoder().decode(text.slice(0, words[TEXT_LENGTH]));
noteAtOnce(
  `${what}: the step has taken ${seconds} s and has not ended; it is given up, and the process with it`,
);
process.kill(process.pid, "SIGKILL");
