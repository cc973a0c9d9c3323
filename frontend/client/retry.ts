/** Options of reconnects, and which failures are temporary. */

import type { FastRTCError } from "./errors";
import type { ReconnectOptions } from "./types";

/** The options with their defaults. */
export type ReconnectPlan = Required<ReconnectOptions>;

/** About 25 s in total, enough for a laptop to change networks. */
const DEFAULTS: ReconnectPlan = { tries: 6, grace: 3000, backOff: 1000, newSession: true };

/** The default `grace` of a session that can be resumed: a new connection costs it nothing. */
const GRACE_OF_RESUMABLE = 1000;

/** How long a connection without reconnects may take to recover by itself, in ms. */
const GRACE_ALONE = 8000;

/** Temporary failures. A server may be full because of our own lost connection. */
const PASSING = new Set([
  "server_unreachable",
  "server_timeout",
  "server_unavailable",
  "server_stopping",
  "resume_elsewhere",
  "concurrency_limit_reached",
  "too_many_connecting",
  "udp_ports_in_use",
  "connection_already_exists",
  "connection_closed",
  "ice_failed",
  "turn_refused", // each offer may get new credentials
  "connection_lost",
]);

/**
 * Apply the defaults; without reconnects, the number of tries is 0.
 *
 * @param resumable Whether the session can be resumed.
 */
export function reconnectPlan(
  given: boolean | ReconnectOptions | undefined,
  resumable = false,
): ReconnectPlan {
  if (given === false) return { ...DEFAULTS, tries: 0, grace: GRACE_ALONE };
  const grace = resumable ? GRACE_OF_RESUMABLE : DEFAULTS.grace;
  return { ...DEFAULTS, grace, ...(typeof given === "object" ? given : {}) };
}

/** Whether another attempt may succeed. */
export function isPassing(error: FastRTCError): boolean {
  return PASSING.has(error.code);
}
