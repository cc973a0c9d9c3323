/**
 * The JavaScript client of fastrtc: connects a page to a `fastrtc.Stream`.
 *
 * It needs no framework. Importing it has no side effects and creates no globals.
 */

export { Connection } from "./connection";
export { Conversation } from "./conversation";
export type { ConversationSnapshot, ConversationState } from "./conversation";
export { listDevices, setSpeaker, canChooseSpeaker, watchDevices } from "./devices";
export { FastRTCError } from "./errors";
export { deviceNames } from "./sentences";
export type { ErrorCode } from "./errors";
export { Meter } from "./levels";
export { pushToTalk } from "./push_to_talk";
export type { PushToTalkOptions, TalkConnection } from "./push_to_talk";
export { httpSignalling } from "./signalling";
export type { Speaker, Transcript } from "./transcripts";
export type { TurnRecord } from "./turn_log";
export type * from "./types";
