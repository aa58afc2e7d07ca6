/** `--live`: long work as a screen, in place of a line that says how far it is. What comes of the work is the same. */
import { UserError } from "../errors.ts";
import { holdNotes, isInteractive, terminal } from "../io/standardStreams.ts";
import type { Session } from "../session/session.ts";
import type { LiveScreen } from "../tui/live/liveScreen.ts";

export const LIVE = [
  "--live",
  "a screen that shows how far it is, and what is known so far",
] as const;

/** @throws UserError where nobody could see it */
export function refuseLive({ live }: { readonly live?: true }): void {
  if (live && process.env["INK_SCREEN_READER"] === "true") {
    throw new UserError(
      "--live: is a picture; without it progress is one line, which can be read out",
    );
  }
  if (live && !isInteractive()) {
    throw new UserError(
      "--live: needs a terminal for input and output (and TERM other than dumb); without it progress is one line",
    );
  }
}

/** A screen on the terminal at hand. */
export interface OpenedLive {
  readonly screen: LiveScreen;
  /** Gives the terminal back, and says what was to be said meanwhile. */
  close(): void;
}

/** Takes the terminal. @param interrupt what Ctrl-C does */
export async function openLive(interrupt: () => void): Promise<OpenedLive> {
  // React decides when it is loaded whether it checks everything it does.
  process.env["NODE_ENV"] ??= "production";
  const { LiveScreen: Live } = await import("../tui/live/liveScreen.ts");
  const { loadSettings, lookOf } = await import("./look.ts");
  const { settings } = loadSettings(undefined);
  const screen = new Live({ ...terminal(), look: lookOf({}, settings), interrupt });
  const release = holdNotes();
  return {
    screen,
    close: () => {
      screen.close();
      release();
    },
  };
}

/** A session over the live view, until somebody quits it. @param commands done at first */
export async function openSession(session: Session, commands: readonly string[]): Promise<void> {
  const { startTui } = await import("../tui/start.tsx");
  const { keyMap } = await import("../tui/keys.ts");
  const { loadSettings, lookOf } = await import("./look.ts");
  const { file, settings } = loadSettings(undefined);
  await startTui({
    session,
    look: lookOf({}, settings),
    keys: keyMap(file, settings.keys),
    ...terminal(),
    arrangements: settings.arrangement,
    mouse: settings.mouse ?? true,
    commands,
  });
}
