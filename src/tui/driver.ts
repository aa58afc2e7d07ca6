/**
 * Drives a session by the wall clock and by what the operator does: how many messages are delivered
 * when, and when a frame is drawn. The run goes on in short slices, so that a key never waits for long.
 */
import { existsSync } from "node:fs";
import { Subject, throttle, timer } from "rxjs";
import { type Actor, createActor } from "xstate";
import { parseDuration } from "../config/units.ts";
import { UserError } from "../errors.ts";
import { OPERATOR_COMMANDS } from "../session/operatorCommands.ts";
import { Sampler } from "../session/sampler.ts";
import type { Landmark, Session } from "../session/session.ts";
import { type Controls, completed, execute } from "./commands.ts";
import { parseFilter } from "./filter.ts";
import type { KeyMap } from "./keys.ts";
import { PANELS } from "./layout.ts";
import { requestOf } from "./request.ts";
import type { Mode, RunView, Shown } from "./shown.ts";
import { type Look, THEME_NAMES, type ThemeName } from "./themes.ts";
import { type UiEvent, uiMachine } from "./uiMachine.ts";

/** Messages a second; the last is as fast as it goes. */
const SPEEDS = [1, 10, 100, 1000, Number.POSITIVE_INFINITY] as const;
/** Length of a slice of the run, and messages between two looks at the clock. */
const SLICE_MS = 8;
const SLICE_MESSAGES = 16;
/** At most 30 frames a second; and at full speed only as many as take this part of the time. */
const FRAME_MS = 1000 / 30;
const FRAME_SHARE = 0.04;
/** But never fewer than four a second. */
const FRAME_MS_MAX = 250;
/** How much of the mean cost of a frame is that of the last one: the first ones are slow. */
const NEWEST = 0.2;

/** What a run is under way to. */
type Goal =
  | { readonly kind: "none" }
  | { readonly kind: "landmark"; readonly landmark: Landmark }
  | { readonly kind: "position"; readonly position: number }
  | { readonly kind: "time"; readonly time: number };

export interface DriverOptions {
  readonly session: Session;
  readonly look: Look;
  readonly keys: KeyMap;
  /** Of the terminal now. */
  readonly size: () => { readonly columns: number; readonly rows: number };
  readonly draw: (shown: Shown) => void;
  readonly suspend: () => void;
  /** Where "save" writes if no file is named. */
  readonly savePath?: string;
}

export class Driver implements Controls {
  /** What frames have cost, in ms: for the bench. */
  readonly frameTimes: number[] = [];
  readonly #options: DriverOptions;
  readonly #session: Session;
  readonly #sampler: Sampler;
  readonly #ui: Actor<typeof uiMachine>;
  readonly #progress = new Subject<void>();
  readonly #touched = new Subject<void>();
  #look: Look;
  #running = false;
  #goal: Goal = { kind: "none" };
  #speed: number = SPEEDS.length - 1;
  #filter = "";
  #notice: RunView["notice"] = null;
  #saving: Generator<number, number> | null = null;
  #timer: NodeJS.Timeout | NodeJS.Immediate | null = null;
  #owed = 0;
  #lastTick = 0;
  #frameMs = 1;
  #rateFrom = { at: 0, position: 0, rate: 0 };
  #quit: () => void = () => {};
  #fail: (error: unknown) => void = () => {};

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#session = options.session;
    this.#look = options.look;
    this.#sampler = new Sampler(options.session);
    this.#ui = createActor(uiMachine, { input: { panels: PANELS } }).start();
    this.#ui.on("command", ({ text }) => this.do(text));
  }

  /** Draws until "quit". Rejects with a fault of the run. */
  async run(): Promise<void> {
    const interval = (): number => {
      const full = this.#running && SPEEDS[this.#speed] === Number.POSITIVE_INFINITY;
      if (!full) return FRAME_MS;
      return Math.min(FRAME_MS_MAX, Math.max(FRAME_MS, this.#frameMs / FRAME_SHARE));
    };
    const options = { leading: true, trailing: true };
    const draws = [
      this.#progress.pipe(throttle(() => timer(interval()), options)),
      this.#touched.pipe(throttle(() => timer(FRAME_MS), options)),
    ].map((frames) => frames.subscribe(() => this.paint()));
    try {
      await new Promise<void>((resolve, reject) => {
        this.#quit = resolve;
        this.#fail = reject;
        this.paint();
      });
    } finally {
      for (const subscription of draws) subscription.unsubscribe();
      this.#stop();
      this.#ui.stop();
    }
  }

  /** A key by its name (keys.ts); `text` is what it types. */
  press(key: string, text: string): void {
    this.#notice = null;
    const typing = this.#mode === "palette" || this.#mode === "filter";
    if (typing) this.#type(key, text);
    else {
      const command = this.#options.keys.get(key);
      if (command !== undefined) this.#attempt(() => command.run(this, ""));
      else if (/^[1-9]$/.test(key)) this.#focusOn(Number(key) - 1);
    }
    this.#touched.next();
  }

  /** A command line, as typed into the palette. */
  do(text: string): void {
    this.#attempt(() => execute(text, this));
    this.#touched.next();
  }

  /** The terminal has another size, or lost what was on it. */
  resized(): void {
    this.#touched.next();
  }

  ui(event: UiEvent): void {
    this.#ui.send(event);
  }

  toggleRun(): void {
    if (this.#running) this.#stop();
    else this.#go({ kind: "none" });
  }

  step(messages: number): void {
    if (!(messages >= 1)) throw new UserError("step: expected a number of messages");
    this.#stop();
    if (messages === 1) this.#report(this.#session.advance(1));
    else this.#go({ kind: "position", position: this.#session.position + messages });
  }

  stepTo(landmark: Landmark): void {
    this.#go({ kind: "landmark", landmark });
  }

  stepBack(): void {
    this.#stop();
    if (!this.#session.stepBack()) this.#say("this is the start", "warn");
  }

  runBack(): void {
    this.#stop();
    if (this.#session.breakpoints.length === 0) throw new UserError("there is no breakpoint (x)");
    const hit = this.#session.runBack();
    if (hit === null) this.#say("no breakpoint before this", "warn");
    else this.#say(`breakpoint: ${hit}`, "bad");
  }

  seek(text: string): void {
    const match = /^#?(\d[\d,]*)$/.exec(text);
    const time = parseDuration(text);
    if (match !== null) this.#toPosition(Number(match[1]!.replaceAll(",", "")));
    else if (time !== null) this.#toTime(time);
    else throw new UserError('seek: expected a time such as "1.5ms", or a message such as "#120"');
  }

  goToStart(): void {
    this.#stop();
    this.#session.seek(0);
  }

  goToEnd(): void {
    const { timeline, recorded } = this.#session;
    const target = timeline.end ?? Math.max(recorded, this.#furthest);
    if (target <= this.#session.position) this.#go({ kind: "none" });
    else this.#toPosition(target);
  }

  faster(by: number): void {
    this.#speed = Math.max(0, Math.min(SPEEDS.length - 1, this.#speed + by));
    this.#reschedule();
  }

  setSpeed(text: string): void {
    const index = SPEEDS.findIndex((speed) => String(speed) === text);
    if (index < 0 && text !== "full") throw new UserError("speed: 1, 10, 100, 1000 or full");
    this.#speed = index < 0 ? SPEEDS.length - 1 : index;
    this.#reschedule();
  }

  operate(command: string, argument: string): void {
    const perform = OPERATOR_COMMANDS[command]!;
    const { vm } = this.#ui.getSnapshot().context;
    const told = perform(this.#session, vm, argument);
    this.#say(`${told}${this.#running ? "" : " (space lets it run)"}`, "good");
  }

  startOperation(name: string): void {
    if (name === "" && this.#session.startable.length > 0) {
      this.ui({ type: "openPalette", text: "start " });
    } else this.operate("start", name);
  }

  filter(text: string): void {
    parseFilter(text);
    this.#filter = text;
  }

  addBreakpoint(text: string): void {
    this.#session.addBreakpoint(text);
    this.#say(`breakpoint: ${text}`, "good");
  }

  clearBreakpoints(): void {
    this.#session.removeBreakpoints();
    this.#say("no breakpoints", "good");
  }

  move(by: number): void {
    const mode = this.#mode;
    const { actors, stream } = this.#last?.frame ?? { actors: [], stream: [] };
    if (mode === "help") this.ui({ type: "scroll", by });
    else if (mode === "actors") {
      // Ten at a time go through the long text, one at a time through the list.
      if (Math.abs(by) > 1) this.ui({ type: "scroll", by });
      else this.ui({ type: "move", by, limit: actors.length });
    } else {
      const { cursor } = this.#ui.getSnapshot().context;
      const shown = stream.map(({ position }) => position);
      // Under a filter the cursor goes from match to match.
      const before = cursor < 0 ? shown.at(-1) : shown.at(-1 + Math.max(by, -shown.length + 1));
      const jump = by < 0 && cursor >= 0 && before !== undefined ? before - cursor : by;
      this.ui({ type: "move", by: jump || by, limit: this.#session.position });
    }
  }

  open(): void {
    if (this.#mode !== "panels") return;
    const entry = this.#last?.frame.stream.at(-1);
    if (entry === undefined) throw new UserError("there is no message yet (space runs)");
    this.ui({ type: "openMessage", position: entry.position });
  }

  nextVm(): void {
    const { vm } = this.#ui.getSnapshot().context;
    const vms = this.#session.system.world.vms.length;
    this.ui({ type: "chooseVm", vm: (vm + 1) % vms });
  }

  nextTheme(text: string): void {
    const at = THEME_NAMES.indexOf(this.#look.theme);
    const named = THEME_NAMES.find((name) => name === text);
    if (text !== "" && named === undefined) throw new UserError(`theme: ${THEME_NAMES.join(", ")}`);
    const theme: ThemeName = named ?? THEME_NAMES[(at + 1) % THEME_NAMES.length]!;
    this.#look = { ...this.#look, theme };
    this.#say(`theme: ${theme}`, "good");
  }

  save(path: string): void {
    this.#stop();
    const name = path === "" ? (this.#options.savePath ?? freeName()) : path;
    const saving = this.#session.save(name);
    // The first piece says whether the file can be written.
    let { value, done } = saving.next();
    this.#saving = saving;
    const go = (): void => {
      const from = performance.now();
      while (!done && performance.now() - from < SLICE_MS) ({ value, done } = saving.next());
      if (done) {
        this.#saving = null;
        this.#say(`saved: ${name}, ${value} messages; again with: trackvisor tui ${name}`, "good");
      } else {
        this.#say(`saving ${name}: ${Math.floor(100 * value)} %`, "good");
        setImmediate(() => this.#guard(go));
      }
      this.#touched.next();
    };
    go();
  }

  suspend(): void {
    this.#stop();
    this.#options.suspend();
  }

  quit(): void {
    this.#quit();
  }

  /** Draws now. */
  paint(): void {
    const from = performance.now();
    const shown = this.shown();
    this.#last = shown;
    this.#options.draw(shown);
    const cost = performance.now() - from;
    this.#frameMs += NEWEST * (cost - this.#frameMs);
    this.frameTimes.push(cost);
  }

  /** All that a screen of now is drawn from. */
  shown(): Shown {
    const { context, value } = this.#ui.getSnapshot();
    const sized = { mode: value as Mode, ui: context, ...this.#options.size() };
    const frame = this.#sampler.sample(
      requestOf(sized, {
        frame: this.#last?.frame ?? null,
        present: this.#session.position,
        actors: this.#session.system.actors.map(({ name }) => name),
        filter: parseFilter(this.#filter),
        running: this.#running,
      }),
    );
    this.#furthest = Math.max(this.#furthest, frame.position);
    return {
      ...sized,
      frame,
      run: this.#runView(frame.ended),
      look: this.#look,
      keys: this.#options.keys,
    };
  }

  #last: Shown | null = null;
  #furthest = 0;

  get #mode(): Mode {
    return this.#ui.getSnapshot().value as Mode;
  }

  #runView(ended: boolean): RunView {
    const speed = SPEEDS[this.#speed]!;
    const now = performance.now();
    const { at, position } = this.#rateFrom;
    if (now - at > 500) {
      const rate = Math.max(0, ((this.#session.position - position) * 1000) / (now - at));
      this.#rateFrom = { at: now, position: this.#session.position, rate };
    }
    return {
      status:
        this.#saving !== null ? "busy" : this.#running ? "running" : ended ? "ended" : "paused",
      speed: Number.isFinite(speed) ? String(speed) : "full",
      rate: this.#rateFrom.rate,
      notice: this.#notice,
      filter: this.#filter,
      recorded: this.#session.recorded,
    };
  }

  #type(key: string, text: string): void {
    if (key === "escape" || key === "ctrl+c") this.ui({ type: "close" });
    else if (key === "enter") this.ui({ type: "submit" });
    else if (key === "backspace") this.ui({ type: "erase" });
    else if (key === "tab" && this.#mode === "palette") {
      const { typed } = this.#ui.getSnapshot().context;
      this.ui({ type: "openPalette", text: completed(typed) });
    } else if (text !== "" && !/\p{Cc}/u.test(text)) this.ui({ type: "type", text });
  }

  #focusOn(panel: number): void {
    const { focus, panels } = this.#ui.getSnapshot().context;
    if (panel < panels.length) this.ui({ type: "focus", by: panel - focus });
  }

  #toPosition(position: number): void {
    this.#stop();
    if (position <= this.#furthest) this.#session.seek(position);
    else this.#go({ kind: "position", position });
  }

  #toTime(time: number): void {
    this.#stop();
    if (time <= this.#session.system.interconnect.now) this.#session.seekTime(time);
    else this.#go({ kind: "time", time });
  }

  #go(goal: Goal): void {
    this.#stop();
    if (goal.kind !== "none") this.#say("on the way there: space stops", "warn");
    this.ui({ type: "follow" });
    this.#goal = goal;
    this.#running = true;
    this.#owed = 0;
    this.#lastTick = performance.now();
    this.#rateFrom = { at: performance.now(), position: this.#session.position, rate: 0 };
    this.#schedule();
  }

  #stop(): void {
    this.#running = false;
    if (this.#timer !== null) {
      clearTimeout(this.#timer as NodeJS.Timeout);
      clearImmediate(this.#timer as NodeJS.Immediate);
      this.#timer = null;
    }
  }

  #reschedule(): void {
    if (this.#running) this.#go(this.#goal);
  }

  #schedule(): void {
    const paced = Number.isFinite(SPEEDS[this.#speed]) && this.#goal.kind === "none";
    const tick = (): void => this.#guard(() => this.#tick(paced));
    this.#timer = paced ? setTimeout(tick, FRAME_MS) : setImmediate(tick);
  }

  #tick(paced: boolean): void {
    const from = performance.now();
    let stop: string | null = null;
    if (paced) {
      this.#owed += ((from - this.#lastTick) / 1000) * SPEEDS[this.#speed]!;
      const due = Math.floor(this.#owed);
      this.#owed -= due;
      if (due > 0) stop = this.#session.advance(due);
    } else {
      while (stop === null && performance.now() - from < SLICE_MS) stop = this.#advance();
    }
    this.#lastTick = from;
    this.#progress.next();
    if (stop === null && this.#running) this.#schedule();
    else this.#report(stop);
  }

  /** A few messages towards the goal; why the run is to stop, or null. */
  #advance(): string | null {
    const session = this.#session;
    switch (this.#goal.kind) {
      case "none":
        return session.advance(SLICE_MESSAGES);
      case "landmark":
        return session.advanceTo(this.#goal.landmark, SLICE_MESSAGES);
      case "position": {
        const left = this.#goal.position - session.position;
        if (left <= 0) return "there";
        return session.advance(Math.min(left, SLICE_MESSAGES));
      }
      case "time": {
        const { interconnect } = session.system;
        if (interconnect.nextTime > this.#goal.time) return "there";
        return session.advance(1);
      }
    }
  }

  /** Tells why the run has stopped. */
  #report(stop: string | null): void {
    if (stop === null) return;
    this.#stop();
    this.#notice = null;
    if (stop === "end") this.#say(this.#endText(), "good");
    else if (stop !== "there" && stop !== "landmark") this.#say(`breakpoint: ${stop}`, "bad");
    this.#touched.next();
  }

  #endText(): string {
    const [failure] = this.#session.system.result().failures;
    return failure ?? "the run has ended; b goes back, g to the start, q quits";
  }

  #say(text: string, style: "good" | "warn" | "bad"): void {
    this.#notice = { text, style };
  }

  /** What the user got wrong is said below; anything else ends the screen. */
  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (error instanceof UserError) this.#say(error.message, "bad");
      else this.#fail(error);
    }
  }

  #guard(action: () => void): void {
    this.#attempt(action);
  }
}

/** A name that no file has yet. */
function freeName(): string {
  for (let number = 1; ; number++) {
    const name = `session-${number}.tvlog`;
    if (!existsSync(name)) return name;
  }
}
