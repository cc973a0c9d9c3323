/** The view of a stream, without any framework. */

export type { Host, StreamValue } from "./props";
export { View } from "./view";
