/**
 * Drives a session by the wall clock and by what the operator does: how many messages are delivered
 * when, and when a frame is drawn. The run goes on in short slices, so that a key never waits for long.
 */
import { UserError } from "../errors.ts";
import { exists } from "../io/inputFile.ts";
import { OPERATOR_COMMANDS, refusalOf } from "../session/operatorCommands.ts";
import { Sampler } from "../session/sampler.ts";
import type { Landmark, Session } from "../session/session.ts";
import { type Vocabulary, vocabularyOf } from "../session/vocabulary.ts";
import { type Command, type Controls, reaches } from "./command.ts";
import { execute } from "./commandLine.ts";
import { parseFilter } from "./filter.ts";
import { freeName } from "./freeName.ts";
import { Job } from "./job.ts";
import type { KeyMap } from "./keys.ts";
import { toEnd } from "./modes.ts";
import { Painter } from "./painter.ts";
import { parsePlace } from "./place.ts";
import { requestOf } from "./request.ts";
import { type Goal, Runner } from "./runner.ts";
import type { RunView, Shown } from "./shown.ts";
import { type Look, themeAfter, themeNamed } from "./themes.ts";
import { Ui } from "./ui.ts";
import type { UiEvent } from "./uiMachine.ts";

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
  readonly #options: DriverOptions;
  readonly #session: Session;
  readonly #sampler: Sampler;
  readonly #ui: Ui;
  readonly #runner: Runner;
  readonly #painter: Painter;
  readonly #vocabulary: Vocabulary;
  #look: Look;
  #filter = "";
  #notice: RunView["notice"] = null;
  /** A way through the run that takes long, and the writing of a log. */
  #journey: Job<unknown> | null = null;
  #saving: Job<unknown> | null = null;
  /** Command lines that wait until the run stands. */
  #waiting: string[] = [];
  /** What the keys of an open question do. */
  #answers: Readonly<Record<string, () => void>> = {};
  /** Quits when the log is written. */
  #leaving = false;
  #quit: () => void = () => {};
  #fail: (error: unknown) => void = () => {};

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#session = options.session;
    this.#look = options.look;
    this.#sampler = new Sampler(options.session);
    this.#vocabulary = vocabularyOf(options.session.system);
    this.#ui = new Ui((text) => this.do(text));
    const draw = (): void => {
      this.#last = this.shown();
      options.draw(this.#last);
    };
    const atFullSpeed = (): boolean => this.#runner.atFullSpeed || this.#journey !== null;
    this.#painter = new Painter(draw, atFullSpeed);
    this.#runner = new Runner(options.session, {
      progress: () => this.#painter.progress(),
      stopped: (why) => this.#report(why),
      failed: (error) => this.#failed(error),
    });
  }

  /** Draws until "quit". Rejects with a fault of the run. */
  async run(): Promise<void> {
    try {
      const { damage } = this.#session;
      if (damage !== undefined) this.#say(damage, "bad");
      await new Promise<void>((resolve, reject) => {
        this.#quit = resolve;
        this.#fail = reject;
        this.#painter.start();
      });
    } finally {
      this.#painter.stop();
      this.#stop();
      this.#saving?.cancel();
      this.#ui.stop();
    }
  }

  /** A key by its name (keys.ts); `text` is what it types. */
  press(key: string, text: string): void {
    if (this.#ui.mode === "question") {
      this.#answer(key);
      this.#painter.touched();
      return;
    }
    if (key === "escape" && this.#giveUp()) return;
    if (this.#journey === null && this.#saving === null) this.#notice = null;
    if (this.#ui.types) this.#ui.type(key, text, this.#vocabulary);
    else {
      const command = this.#options.keys.get(key);
      const end = toEnd(key, this.#ui.mode);
      if (end !== 0) this.move(end);
      else if (command !== undefined) this.#attempt(() => this.#press(command));
      else if (/^[1-9]$/.test(key)) this.#ui.focusOn(Number(key) - 1);
    }
    this.#painter.touched();
  }

  /** @throws UserError if what it does would be hidden */
  #press(command: Command): void {
    const { mode } = this.#ui;
    if (!reaches(command, mode))
      throw new UserError(`the ${mode} view is open: esc closes it first`);
    command.run(this, "");
  }

  #ask(question: string, answers: Readonly<Record<string, () => void>>): void {
    this.#answers = answers;
    this.ui({ type: "ask", question });
  }

  #answer(key: string): void {
    const action = this.#answers[key];
    if (action === undefined && key !== "escape") return;
    this.ui({ type: "close" });
    if (action !== undefined) this.#attempt(action);
  }

  /** Whether there was something to give up. */
  #giveUp(): boolean {
    if (this.#journey === null && this.#saving === null) return false;
    this.#stop();
    this.#saving?.cancel();
    this.#saving = null;
    this.#leaving = false;
    this.#say(`given up; this is message ${this.#session.position}`, "warn");
    this.#painter.touched();
    return true;
  }

  /** A command line, as typed into the palette. */
  do(text: string): void {
    this.#attempt(() => execute(text, this));
    this.#painter.touched();
  }

  /** Command lines one after the other, each when the run stands. */
  doAll(lines: readonly string[]): void {
    this.#waiting.push(...lines);
    this.#doNext();
  }

  #doNext(): void {
    while (this.#waiting.length > 0 && !this.#runner.running && this.#journey === null) {
      this.do(this.#waiting.shift()!);
    }
  }

  /** The terminal has another size, or lost what was on it. */
  resized(): void {
    this.#painter.touched();
  }

  ui(event: UiEvent): void {
    this.#ui.send(event);
  }

  toggleRun(): void {
    if (this.#runner.running || this.#journey !== null) this.#stop();
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
    const { position } = this.#session;
    if (position === 0) this.#say("this is the start", "warn");
    else this.#travel(this.#session.seeking(position - 1), "going back");
  }

  runBack(): void {
    this.#stop();
    if (this.#session.breakpoints.length === 0) throw new UserError("there is no breakpoint (x)");
    this.#travel(this.#session.runningBack(), "looking back", (hit) => {
      if (hit === null) this.#say("no breakpoint before this", "warn");
      else this.#say(`breakpoint: ${hit}`, "bad");
    });
  }

  seek(text: string): void {
    const place = parsePlace(text);
    if (place === null) {
      throw new UserError('seek: expected a time such as "1.5ms", or a message such as "#120"');
    }
    this.#stop();
    const { interconnect } = this.#session.system;
    const back =
      place.kind === "position" ? place.position <= this.#furthest : place.time <= interconnect.now;
    if (!back) this.#go(place);
    else if (place.kind === "time")
      this.#travel(this.#session.seekingTime(place.time), "going back");
    else this.#travel(this.#session.seeking(place.position), `going to #${place.position}`);
  }

  goToStart(): void {
    this.#stop();
    this.#travel(this.#session.seeking(0), "going to the start");
  }

  goToEnd(): void {
    const { timeline, recorded } = this.#session;
    const target = timeline.end ?? Math.max(recorded, this.#furthest);
    if (target <= this.#session.position) this.#go({ kind: "none" });
    else this.seek(`#${target}`);
  }

  faster(by: number): void {
    this.#runner.faster(by);
  }

  setSpeed(text: string): void {
    this.#runner.setSpeed(text);
  }

  operate(command: string, argument: string): void {
    if (this.#journey !== null) throw new UserError("on the way: esc stops it");
    if (this.#session.system.done) throw new UserError("the run has ended: go back first (b, g)");
    const perform = OPERATOR_COMMANDS[command]!;
    const { vm } = this.#ui.context;
    const told = perform(this.#session, vm, argument);
    this.#say(`${told}${this.#runner.running ? "" : " (space lets it run)"}`, "good");
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
    this.#ui.move(by, this.#last, this.#session.position);
  }

  open(): void {
    if (this.#ui.mode !== "panels") return;
    const entry = this.#last?.frame.stream.at(-1);
    if (entry === undefined) throw new UserError("there is no message yet (space runs)");
    this.ui({ type: "openMessage", position: entry.position });
  }

  nextVm(): void {
    const { vm } = this.#ui.context;
    const vms = this.#session.system.world.vms.length;
    this.ui({ type: "chooseVm", vm: (vm + 1) % vms });
  }

  nextTheme(text: string): void {
    const theme = text === "" ? themeAfter(this.#look.theme) : themeNamed(text);
    this.#look = { ...this.#look, theme };
    this.#say(`theme: ${theme}`, "good");
  }

  save(path: string): void {
    this.#stop();
    if (this.#saving !== null) throw new UserError("a log is being written: esc gives it up");
    const name = path === "" ? (this.#options.savePath ?? freeName()) : path;
    if (!exists(name)) this.#write(name, false);
    else {
      this.#leaving = false;
      this.#ask(`y replaces, esc keeps what is there: ${name} exists`, {
        y: () => this.#write(name, true),
      });
    }
  }

  #write(name: string, force: boolean): void {
    const steps = this.#session.save(name, { force });
    this.#saving = this.#begin(steps, `saving ${name}`, (messages) => {
      this.#saving = null;
      const text = `saved: ${name}, ${messages} messages; again with: trackvisor tui ${name}`;
      this.#say(text, "good");
      if (this.#leaving) this.#quit();
    });
  }

  suspend(): void {
    this.#stop();
    this.#options.suspend();
  }

  /** Waits for a log that is being written; asks before operator commands are lost. */
  quit(): void {
    if (this.#saving !== null) {
      this.#leaving = true;
      return;
    }
    const { unsaved } = this.#session;
    if (unsaved === 0) this.#quit();
    else {
      const quit = (): void => this.#quit();
      const commands = unsaved === 1 ? "1 operator command is" : `${unsaved} operator commands are`;
      this.#ask(`${commands} not saved: s saves and quits, q quits without, esc stays`, {
        s: () => {
          this.#leaving = true;
          this.save("");
        },
        q: quit,
        "ctrl+c": quit,
      });
    }
  }

  /** Draws now. */
  paint(): void {
    this.#painter.paint();
  }

  /** What frames have cost, in ms: for the bench. */
  get frameTimes(): number[] {
    return this.#painter.frameTimes;
  }

  /** All that a screen of now is drawn from. */
  shown(): Shown {
    const { context, mode } = this.#ui;
    const sized = { mode, ui: context, ...this.#options.size() };
    const frame = this.#sampler.sample(
      requestOf(sized, {
        frame: this.#last?.frame ?? null,
        present: this.#session.position,
        actors: this.#session.system.actors.map(({ name }) => name),
        filter: parseFilter(this.#filterShown),
        running: this.#runner.running || this.#journey !== null,
      }),
    );
    this.#furthest = Math.max(this.#furthest, frame.position);
    this.#sayRefusal();
    return {
      ...sized,
      frame,
      run: this.#runView(frame.ended),
      look: this.#look,
      keys: this.#options.keys,
      vocabulary: this.#vocabulary,
    };
  }

  #last: Shown | null = null;
  #refusal: string | null = null;
  #furthest = 0;

  get #filterShown(): string {
    return this.#ui.typedFilter ?? this.#filter;
  }

  #runView(ended: boolean): RunView {
    const { running, speed, rate } = this.#runner;
    const busy = this.#saving !== null || this.#journey !== null;
    return {
      status: busy ? "busy" : running ? "running" : ended ? "ended" : "paused",
      speed,
      rate,
      notice: this.#notice,
      filter: this.#filterShown,
      recorded: this.#session.recorded,
    };
  }

  #go(goal: Goal): void {
    this.#stop();
    if (goal.kind !== "none") this.#say("on the way there: space stops", "warn");
    this.ui({ type: "follow" });
    this.#runner.go(goal);
  }

  #stop(): void {
    this.#runner.stop();
    this.#journey?.cancel();
    this.#journey = null;
  }

  /** A way through the run; short ones are done when this returns. */
  #travel<Result>(
    way: Generator<number, Result>,
    what: string,
    arrived: (result: Result) => void = () => {},
  ): void {
    this.#journey = this.#begin(way, what, (result) => {
      this.#journey = null;
      this.#notice = null;
      arrived(result);
      this.#doNext();
    });
  }

  /** Work in slices; null if it is done already. */
  #begin<Result>(
    steps: Generator<number, Result>,
    what: string,
    done: (result: Result) => void,
  ): Job<Result> | null {
    const job = new Job(steps, {
      progress: (part) => {
        const then = this.#leaving ? ", then quits" : "";
        this.#say(`${what}: ${Math.floor(100 * part)} %${then} (esc stops)`, "warn");
        this.#painter.progress();
      },
      done: (result) => {
        done(result);
        this.#painter.touched();
      },
      failed: (error) => {
        this.#journey = null;
        this.#saving = null;
        this.#leaving = false;
        this.#failed(error);
      },
    });
    job.start();
    return job.over ? null : job;
  }

  /** Tells why the run has stopped. */
  #report(stop: string | null): void {
    if (stop === null) return;
    this.#notice = null;
    if (stop === "end") this.#sayEnd();
    else if (stop !== "there" && stop !== "landmark") this.#say(`breakpoint: ${stop}`, "bad");
    this.#painter.touched();
    this.#doNext();
  }

  #sayEnd(): void {
    const failure = this.#session.stop ?? this.#session.failures[0];
    if (failure !== undefined) this.#say(failure, "bad");
    else this.#say("the run has ended; b goes back, g to the start, q quits", "good");
  }

  /** That the operator's last command came to nothing is said when it turns out. */
  #sayRefusal(): void {
    const refusal = refusalOf(this.#session.system);
    if (refusal !== null && refusal !== this.#refusal) this.#say(refusal, "bad");
    this.#refusal = refusal;
  }

  #say(text: string, style: "good" | "warn" | "bad"): void {
    this.#notice = { text, style };
  }

  /** What the user got wrong is said below; anything else ends the screen. */
  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (error instanceof UserError) this.#say(error.message, "bad");
    else this.#fail(error);
    this.#painter.touched();
  }
}
