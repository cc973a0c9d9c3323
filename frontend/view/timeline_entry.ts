/** The timeline by itself, for the debug page: `static/timeline.js`. */

export { readTurn } from "@fastrtc/client/internal";
export { Timeline } from "./timeline";
