/** The version of this program, the one of package.json (a test compares them). */
export const VERSION = "0.1.0";
/** When it was made, for the manual page. */
export const RELEASED = "2026-11-29";
