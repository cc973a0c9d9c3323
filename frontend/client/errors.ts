/** What can go wrong. */

/** What went wrong, for programs. */
export type ErrorCode =
  // the devices
  | "permission_denied"
  | "no_device"
  | "device_in_use"
  | "device_constraints"
  | "device_failed"
  | "device_lost"
  | "insecure_page"
  | "no_webrtc"
  // the server refuses
  | "concurrency_limit_reached"
  | "connection_already_exists"
  | "unknown_connection"
  | "connection_closed"
  | "invalid_candidate_format"
  | "turn_server_failed"
  | "unauthorized"
  | "cross_site"
  | "unknown_host"
  | "too_many_connecting"
  | "server_stopping"
  | "refused"
  | "bad_offer"
  | "forbidden"
  | "not_found"
  // the server is not there, or has an error
  | "server_unreachable"
  | "server_timeout"
  | "server_unavailable"
  | "server_error"
  | "server_gone"
  // the way to the server
  | "ice_failed"
  | "turn_refused"
  | "connection_lost"
  | "bad_configuration"
  // the stream ends
  | "time_limit_reached"
  | "ended_by_server"
  | "handler_error"
  | "unexpected";

/** A failure, with a sentence for people. */
export class FastRTCError extends Error {
  override name = "FastRTCError";

  constructor(
    /** For programs. */
    readonly code: ErrorCode,
    /** For people: what happened, and what they can do. */
    readonly sentence: string,
    /** What else is known, such as the `limit` of connections. */
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(sentence);
  }
}

/** Make any thrown thing a failure with a sentence. */
export function toFastRTCError(thrown: unknown): FastRTCError {
  if (thrown instanceof FastRTCError) return thrown;
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return new FastRTCError("unexpected", `Something went wrong: ${text}`, { thrown });
}
