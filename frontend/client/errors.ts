/** Errors of the client. */

/** Error codes, for programs. */
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
  // the server refuses the connection
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
  | "udp_ports_in_use"
  | "port_unavailable"
  | "server_stopping"
  | "resume_refused"
  | "resume_elsewhere"
  | "refused"
  | "bad_offer"
  | "forbidden"
  | "not_found"
  // the server is unreachable or fails
  | "server_unreachable"
  | "server_timeout"
  | "server_unavailable"
  | "server_error"
  | "server_gone"
  // the route for media
  | "ice_failed"
  | "turn_refused"
  | "connection_lost"
  | "using_websocket"
  | "bad_configuration"
  | "other_version"
  // a call has no result
  | "call_failed"
  // the stream ends
  | "time_limit_reached"
  | "idle_timeout"
  | "replaced"
  | "ended_by_server"
  | "handler_error"
  | "unexpected";

/** An error with a message for users. */
export class FastRTCError extends Error {
  /** The name of the class. */
  override name = "FastRTCError";

  constructor(
    /** The error code, for programs. */
    readonly code: ErrorCode,
    /** The message for users: what happened, and what to do. */
    readonly sentence: string,
    /** Further details, such as the `limit` of connections. */
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(sentence);
  }
}

/** Convert any thrown value to an error with a message. */
export function toFastRTCError(thrown: unknown): FastRTCError {
  if (thrown instanceof FastRTCError) return thrown;
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return new FastRTCError("unexpected", `Something went wrong: ${text}`, { thrown });
}
