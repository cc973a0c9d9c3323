/** The timeline by itself, for the debug page: `static/timeline.js`. */

export { readTurn } from "../client/turn_log";
export { Timeline } from "./timeline";
