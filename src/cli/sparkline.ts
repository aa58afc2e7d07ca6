/** Reports and the terminal UI draw the same sparklines. */
export { sparkline } from "../config/sparkline.ts";
