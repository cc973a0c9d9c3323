/** What to say about a connection that does not come about. No elements. */

import type { ErrorCode, FastRTCError, TransportChoice } from "@fastrtc/client";
import { asSentence, modalityIn, type Problem, type Target } from "./target";

/** Errors after which the stream may be gone, so that it is looked for again. */
const UNREACHED: ErrorCode[] = [
  "server_unreachable",
  "server_unavailable",
  "server_timeout",
  "server_gone",
  "server_error",
  "not_found",
  "forbidden",
  "connection_lost",
];

/** Regular ends, which are no problems. */
const ORDERLY: ErrorCode[] = ["time_limit_reached", "idle_timeout", "replaced", "ended_by_server"];

/** What to do about some errors. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  unauthorized: "Enter what the program's authorize checks as the token.",
  forbidden: "Enter a token, or pass --header to the command.",
  ice_failed: "Choose WebSocket as the transport, or enter ICE servers.",
  turn_refused: "Check the ICE servers.",
  using_websocket: "",
};

/** Return whether the stream should be looked for again after an error. */
export function isUnreached(error: FastRTCError): boolean {
  return UNREACHED.includes(error.code);
}

/** Return whether an end is regular. */
export function isOrderly(error: FastRTCError): boolean {
  return ORDERLY.includes(error.code);
}

/**
 * Return what to show for the error of a connection.
 *
 * @param error The error of the client.
 * @param target What was found when the stream was looked for again; null if it was not yet.
 * @param transport The transport that was chosen.
 */
export function problemOf(
  error: FastRTCError,
  target: Target | null,
  transport?: TransportChoice,
): Problem {
  if (target?.problem && isUnreached(error)) return target.problem;
  if (target && transport === "websocket" && error.code === "server_unreachable") {
    return {
      sentence: "The stream is there, but it opens no WebSocket.",
      advice: "Choose WebRTC as the transport.",
    };
  }
  const modality = modalityIn(error.sentence);
  if (modality) {
    return {
      sentence: `The stream takes ${NAMES[modality]}.`,
      advice: "Choose that as the media, and start again.",
    };
  }
  return { sentence: asSentence(error.sentence), advice: ADVICE[error.code] ?? "" };
}

/** The names of the modalities within a sentence. */
export const NAMES = {
  audio: "audio",
  video: "video",
  "audio-video": "audio and video",
} as const;
