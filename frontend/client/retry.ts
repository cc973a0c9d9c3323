/** When a lost connection is tried again. */

import type { FastRTCError } from "./errors";
import type { ReconnectOptions } from "./types";

/** Together some 25 s: a laptop that changes networks is back by then. */
const DEFAULTS: Required<ReconnectOptions> = { tries: 6, grace: 3000, backOff: 1000 };

/** How long a connection that is not made again gets to come back by itself, in ms. */
const GRACE_ALONE = 8000;

/** The longest wait between two tries, in ms. */
const LONGEST_WAIT = 8000;

/** Failures that may be over a moment later. A full server may be so by our own lost connection. */
const PASSING = new Set([
  "server_unreachable",
  "server_timeout",
  "server_unavailable",
  "server_stopping",
  "concurrency_limit_reached",
  "too_many_connecting",
  "connection_already_exists",
  "connection_closed",
  "ice_failed",
  "turn_refused", // credentials that are asked for each offer are new ones
  "connection_lost",
]);

/** Fill in what is not given; no tries when a lost connection is not to be made again. */
export function reconnectPlan(
  given: boolean | ReconnectOptions | undefined,
): Required<ReconnectOptions> {
  if (given === false) return { ...DEFAULTS, tries: 0, grace: GRACE_ALONE };
  return { ...DEFAULTS, ...(typeof given === "object" ? given : {}) };
}

/** How long to wait before a try, in ms; the first (0) is made at once. */
export function waitBefore(attempt: number, { backOff }: Required<ReconnectOptions>): number {
  return attempt === 0 ? 0 : Math.min(LONGEST_WAIT, backOff * 2 ** (attempt - 1));
}

/** Whether trying again may help. */
export function isPassing(error: FastRTCError): boolean {
  return PASSING.has(error.code);
}

/** Wait; shorter when the network comes back meanwhile. Resolves at once when aborted. */
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
