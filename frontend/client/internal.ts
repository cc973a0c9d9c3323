/**
 * What the other parts of this folder use of the client beyond its public API.
 *
 * They import it as `@fastrtc/client/internal`; the npm package does not have it.
 */

export { kindsOf } from "./constraints";
export { askForSpeaker, canAskForSpeaker, openDevices } from "./devices";
export { Emitter } from "./emitter";
export { toFastRTCError } from "./errors";
export { Levels } from "./levels";
export { inTime } from "./limit";
export { RecordingState } from "./recording";
export { deviceError, endError, httpError, iceError, timeoutError } from "./sentences";
export { Transcripts } from "./transcripts";
export { readTurn, TurnLog } from "./turn_log";
