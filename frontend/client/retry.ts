/** Timing of reconnects. */

import type { FastRTCError } from "./errors";
import type { ReconnectOptions } from "./types";

/** About 25 s in total, enough for a laptop to change networks. */
const DEFAULTS: Required<ReconnectOptions> = { tries: 6, grace: 3000, backOff: 1000 };

/** How long a connection without reconnects may take to recover by itself, in ms. */
const GRACE_ALONE = 8000;

/** Maximum delay between two attempts, in ms. */
const LONGEST_WAIT = 8000;

/** Temporary failures. A server may be full because of our own lost connection. */
const PASSING = new Set([
  "server_unreachable",
  "server_timeout",
  "server_unavailable",
  "server_stopping",
  "concurrency_limit_reached",
  "too_many_connecting",
  "udp_ports_in_use",
  "connection_already_exists",
  "connection_closed",
  "ice_failed",
  "turn_refused", // each offer may get new credentials
  "connection_lost",
]);

/** Apply the defaults; without reconnects, the number of tries is 0. */
export function reconnectPlan(
  given: boolean | ReconnectOptions | undefined,
): Required<ReconnectOptions> {
  if (given === false) return { ...DEFAULTS, tries: 0, grace: GRACE_ALONE };
  return { ...DEFAULTS, ...(typeof given === "object" ? given : {}) };
}

/** Return the delay before an attempt, in ms; the first (0) is immediate. */
export function waitBefore(attempt: number, { backOff }: Required<ReconnectOptions>): number {
  return attempt === 0 ? 0 : Math.min(LONGEST_WAIT, backOff * 2 ** (attempt - 1));
}

/** Whether another attempt may succeed. */
export function isPassing(error: FastRTCError): boolean {
  return PASSING.has(error.code);
}

/** Wait, or until the network is back. Resolves immediately when aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      globalThis.removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
    globalThis.addEventListener("online", done);
    if (signal.aborted) done();
  });
}
