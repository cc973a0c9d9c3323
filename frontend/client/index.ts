/**
 * fastrtc's client core: the connection between a page and a `fastrtc.Stream`.
 *
 * It needs no framework, touches nothing when it is imported, and makes no globals.
 */

export { Connection } from "./connection";
export { Conversation } from "./conversation";
export type { ConversationSnapshot, ConversationState } from "./conversation";
export { listDevices, setSpeaker, canChooseSpeaker, watchDevices } from "./devices";
export { FastRTCError } from "./errors";
export { deviceNames } from "./sentences";
export type { ErrorCode } from "./errors";
export { Meter } from "./levels";
export { httpSignalling } from "./signalling";
export type * from "./types";
