/**
 * Drives a session by the wall clock and by what the operator does: how many messages are delivered
 * when, and when a frame is drawn. The run goes on in short slices, so that a key never waits for long.
 */
import { UserError } from "../errors.ts";
import { exists } from "../io/inputFile.ts";
import { OPERATOR_COMMANDS, refusalOf } from "../session/operatorCommands.ts";
import { Sampler } from "../session/sampler.ts";
import type { Session } from "../session/session.ts";
import { type Vocabulary, vocabularyOf } from "../session/vocabulary.ts";
import { ARRANGING_KEYS } from "./arrangeCommands.ts";
import { ArrangeControls } from "./arrangeControls.ts";
import type { Arrangements } from "./arrangement.ts";
import { BreakControls } from "./breakControls.ts";
import { inShort, selectionOf } from "./clipboard.ts";
import { type Command, type Controls, type KeyMap, refusalIn } from "./command.ts";
import { execute } from "./commandLine.ts";
import { brokenText } from "./counterexample.ts";
import { parseFilter } from "./filter.ts";
import { frameFor } from "./frameRequest.ts";
import { freeName } from "./freeName.ts";
import { LongWork } from "./longWork.ts";
import { MessageControls } from "./messageControls.ts";
import { toEnd } from "./modes.ts";
import type { MouseReport } from "./mouse.ts";
import { PageControls } from "./pageControls.ts";
import { Painter } from "./painter.ts";
import { focusedPanel, panelAt, panelsOf } from "./panels/all.ts";
import { RunControls } from "./runControls.ts";
import { Runner } from "./runner.ts";
import type { RunView, ScreenState } from "./screenState.ts";
import { type Look, themeAfter, themeNamed } from "./themes.ts";
import { Ui } from "./ui.ts";
import type { UiEvent } from "./uiMachine.ts";

export interface DriverOptions {
  readonly session: Session;
  readonly look: Look;
  readonly keys: KeyMap;
  /** Of the terminal now. */
  readonly size: () => { readonly columns: number; readonly rows: number };
  readonly draw: (shown: ScreenState) => void;
  readonly suspend: () => void;
  /** To the terminal's clipboard. */
  readonly copy: (text: string) => void;
  /** Of the panels, as the settings have it. */
  readonly arrangements?: Arrangements | undefined;
  /** Where "save" writes if no file is named. */
  readonly savePath?: string;
}

export class Driver implements Controls {
  readonly run: RunControls;
  readonly breaks: BreakControls;
  readonly arrange: ArrangeControls;
  readonly #options: DriverOptions;
  readonly #session: Session;
  readonly #sampler: Sampler;
  readonly #ui: Ui;
  readonly #runner: Runner;
  readonly #work: LongWork;
  readonly #painter: Painter;
  readonly #pages: PageControls;
  readonly #messages: MessageControls;
  readonly #vocabulary: Vocabulary;
  #look: Look;
  #filter = "";
  #notice: RunView["notice"] = null;
  /** Command lines that wait until the run stands. */
  #waiting: string[] = [];
  /** What the keys of an open question do. */
  #answers: Readonly<Record<string, () => void>> = {};
  /** Quits when the log is written. */
  #leaving = false;
  #last: ScreenState | null = null;
  #refusal: string | null = null;
  #quit: () => void = () => {};
  #fail: (error: unknown) => void = () => {};

  constructor(options: DriverOptions) {
    const { session } = options;
    this.#options = options;
    this.#session = session;
    this.#look = options.look;
    this.#sampler = new Sampler(session);
    this.#vocabulary = vocabularyOf(session.system);
    const panels = panelsOf(session.beside !== null);
    this.#ui = new Ui((text) => this.do(text), panels, options.arrangements);
    const seen = (): ScreenState => this.#seen() ?? this.shown();
    this.#pages = new PageControls(session, this.#ui, seen);
    this.#messages = new MessageControls(session, this.#ui, seen, (text) => say(text, "warn"));
    const say = (text: string, style: "good" | "warn" | "bad" | null): void =>
      this.#say(text, style);
    this.breaks = new BreakControls(session, seen, { say });
    this.arrange = new ArrangeControls(this.#ui, seen, { say, copy: options.copy });
    const draw = (): void => {
      this.#last = this.#learnt(this.shown());
      options.draw(this.#last);
    };
    this.#painter = new Painter(draw, () => this.#runner.atFullSpeed || this.#work.travelling);
    const failed = (error: unknown): void => this.#failed(error);
    this.#runner = new Runner(session, {
      progress: () => this.#painter.progress(),
      stopped: (why) => this.#stands(why),
      failed,
    });
    this.#work = new LongWork({
      progress: (text) => {
        this.#say(text, "warn");
        this.#painter.progress();
      },
      done: () => this.#painter.touched(),
      failed: (error) => {
        this.#leaving = false;
        failed(error);
      },
    });
    this.run = new RunControls(session, this.#runner, this.#work, {
      say,
      follow: () => this.ui({ type: "follow" }),
      stands: (why) => this.#stands(why),
    });
  }

  /** Draws until "quit". Rejects with a fault of the run. */
  async untilQuit(): Promise<void> {
    try {
      const { damage, counterexample } = this.#session;
      const broken = counterexample === null ? "" : brokenText(counterexample);
      if (damage !== undefined) this.#say(damage, "bad");
      else if (broken !== "") this.#say(`${broken} (! goes there)`, "warn");
      await new Promise<void>((resolve, reject) => {
        this.#quit = resolve;
        this.#fail = reject;
        this.#painter.start();
      });
    } finally {
      this.#painter.stop();
      this.run.stop();
      this.#work.cancel("saving");
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
    if (!this.#work.busy) this.#notice = null;
    if (this.#ui.types) this.#ui.type(key, text, this.#vocabulary);
    else {
      const { mode } = this.#ui;
      // Shift with an arrow is the arrow but where panels are arranged.
      const named = mode === "arranging" ? key : key.replace(/^shift\+(?!tab)/, "");
      const command = this.#options.keys.get(named);
      const own = mode === "arranging" ? ARRANGING_KEYS[key] : undefined;
      const end = toEnd(named, mode);
      if (own !== undefined) this.#attempt(() => own(this.arrange));
      else if (end !== 0) this.move(end);
      else if (command !== undefined) this.#attempt(() => this.#press(command));
      else if (/^[0-9]$/.test(key)) this.#ui.focusOn((Number(key) + 9) % 10);
      else if (key !== "") this.#say(`no command has the key "${key}" (? lists them)`, "warn");
    }
    this.#painter.touched();
  }

  /** A click, or the wheel. */
  point(report: MouseReport): void {
    const seen = this.#seen() ?? this.shown();
    this.arrange.point(report, seen);
    this.#ui.point(report, seen, this.#session.position);
    this.#painter.touched();
  }

  /** @throws UserError if what it does would be hidden */
  #press(command: Command): void {
    const refusal = refusalIn(this.#ui.mode, command);
    if (refusal !== null) throw new UserError(refusal);
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
    if (!this.#work.busy) return false;
    this.run.stop();
    const noLog = this.#work.saving ? ", and no log is written" : "";
    this.#work.cancel("saving");
    this.#leaving = false;
    // Else it would be looked up again.
    if (this.#ui.mode === "chart") this.ui({ type: "close" });
    this.#say(`given up${noLog}; this is message ${this.#session.position}`, "warn");
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
    while (!this.run.moving) {
      const line = this.#waiting.shift();
      if (line === undefined) break;
      this.do(line);
    }
  }

  /** The terminal has another size, or lost what was on it. */
  resized(): void {
    this.#painter.touched();
  }

  ui(event: UiEvent): void {
    this.#ui.send(event);
  }

  operate(command: string, argument: string): void {
    if (this.#work.travelling) throw new UserError("on the way: esc stops it");
    if (this.#session.system.done) throw new UserError("the run has ended: go back first (b, g)");
    const perform = OPERATOR_COMMANDS[command];
    if (perform === undefined) throw new Error(`no operator command is called ${command}`);
    const { vm } = this.#ui.context;
    const told = perform(this.#session, vm, argument);
    this.#say(`${told}${this.#runner.running ? "" : " (space lets it run)"}`, "good");
  }

  startOperation(name: string): void {
    if (name === "" && this.#session.startable.length > 0) {
      this.ui({ type: "openPalette", text: "start " });
    } else this.operate("start", name);
  }

  typeToGuest(): void {
    this.choosePanel("console");
    this.ui({ type: "openTyping" });
  }

  filter(text: string): void {
    parseFilter(text);
    this.#filter = text;
  }

  copy(): void {
    const text = selectionOf(this.#seen() ?? this.shown());
    this.#options.copy(text);
    this.#say(`copied, if the terminal takes it (OSC 52): ${inShort(text)}`, "good");
  }

  move(by: number): void {
    this.#ui.move(by, this.#seen(), this.#session.position);
  }

  open(): void {
    this.#messages.open();
  }

  openChart(): void {
    this.#messages.openChart();
  }

  follow(way: "cause" | "effect"): void {
    this.#messages.follow(way);
  }

  choosePanel(name: string): void {
    this.#ui.focusOn(panelAt(name, this.#ui.context));
  }

  movePage(cells: number): void {
    this.#pages.move(cells);
  }

  choosePage(text: string): void {
    this.#pages.choose(text);
  }

  magnify(by: number): void {
    const seen = this.#seen();
    const event = seen === null ? undefined : focusedPanel(seen.ui)?.magnify?.(seen, by);
    if (event === undefined) this.#pages.magnify(by);
    else this.ui(event);
  }

  shift(by: number): void {
    const seen = this.#seen();
    const event = seen === null ? undefined : focusedPanel(seen.ui)?.shift?.(seen, by);
    if (event === undefined) throw new UserError("nothing to move in time: 9 chooses the plots");
    this.ui(event);
  }

  lastChange(): void {
    const { vm, page } = this.#pages.chosen;
    this.run.toPageChange(vm, page);
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
    this.run.stop();
    if (this.#work.saving) throw new UserError("a log is being written: esc gives it up");
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
    const tell = (percent: number): string =>
      `saving ${name}: ${percent} %${this.#leaving ? ", then quits" : ""} (esc stops)`;
    this.#work.begin("saving", this.#session.save(name, { force }), tell, (messages) => {
      const [own] = this.#session.variants ?? [];
      const text =
        own === undefined
          ? `saved: ${name}, ${messages} messages; again with: trackvisor tui ${name}`
          : `saved: the first run (${own}) alone, ${messages} messages, ${name}; both again: the same command`;
      this.#say(text, "good");
      if (this.#leaving) this.#quit();
    });
  }

  suspend(): void {
    this.run.stop();
    this.#options.suspend();
  }

  /** Waits for a log that is being written; asks before operator commands are lost. */
  quit(): void {
    if (this.#work.saving) {
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

  /** What was drawn last; what would be drawn now, if a key has come before it could be: keys go by what they follow. */
  #seen(): ScreenState | null {
    const last = this.#last;
    if (last === null) return null;
    const { context, mode } = this.#ui;
    return last.ui === context && last.mode === mode ? last : this.shown();
  }

  /** All that a screen of now is drawn from. */
  shown(): ScreenState {
    const { context, mode } = this.#ui;
    const sized = { mode, ui: context, ...this.#options.size() };
    const surroundings = {
      present: this.#session.position,
      actors: this.#session.system.actors.map(({ name }) => name),
      filter: parseFilter(this.#filterShown),
      running: this.run.moving,
    };
    const frame = frameFor(this.#sampler, sized, surroundings, this.#last?.frame ?? null);
    this.run.seen(frame.position);
    this.#sayRefusal();
    const { keys } = this.#options;
    const run = this.#runView(frame.ended);
    return { ...sized, frame, run, look: this.#look, keys, vocabulary: this.#vocabulary };
  }

  /** A chart that is open shows what its actor did: what is not known of that is looked up, and drawn when it is. */
  #learnt(shown: ScreenState): ScreenState {
    const { actor } = shown.frame;
    if (shown.mode !== "chart" || actor === null || actor.way !== null) return shown;
    if (this.#work.busy) return shown;
    this.run.learn(actor.name, actor.at);
    return this.shown();
  }

  get #filterShown(): string {
    return this.#ui.typedFilter ?? this.#filter;
  }

  #runView(ended: boolean): RunView {
    const { running, speed, rate } = this.#runner;
    return {
      status: this.#work.busy ? "busy" : running ? "running" : ended ? "ended" : "paused",
      speed,
      rate,
      notice: this.#notice,
      filter: this.#filterShown,
      recorded: this.#session.recorded,
    };
  }

  /** Tells why the run has stopped, and does what has waited for that. */
  #stands(why: string | null): void {
    if (why !== null) this.#notice = null;
    if (why === "end") this.#sayEnd();
    else if (why !== null && why !== "there" && why !== "landmark") {
      this.#say(`breakpoint: ${why}`, "bad");
    }
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

  /** @param style null: nothing is to be said any more */
  #say(text: string, style: "good" | "warn" | "bad" | null): void {
    this.#notice = style === null ? null : { text, style };
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
