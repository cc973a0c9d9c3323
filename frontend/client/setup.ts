/** The id and the configuration of a connection. */

import { fromEnvironment } from "./environment";
import { FastRTCError, toFastRTCError } from "./errors";
import { inTime } from "./limit";
import type { ConnectionOptions, Environment } from "./types";

/** Return the configuration for `RTCPeerConnection`, asking the page for it if necessary. */
export async function resolveConfiguration(
  configuration: ConnectionOptions["rtcConfiguration"],
  signal: AbortSignal,
  timeout?: number,
): Promise<RTCConfiguration | null> {
  if (typeof configuration !== "function") return configuration ?? null;
  const late = new FastRTCError(
    "server_timeout",
    "It took too long to be told of the STUN and TURN servers. Try again.",
  );
  try {
    return await inTime(Promise.resolve().then(configuration), late, signal, timeout);
  } catch (error) {
    if (error instanceof FastRTCError) throw error;
    const reason = toFastRTCError(error).message;
    throw new FastRTCError("bad_configuration", `rtc_configuration could not be had: ${reason}`);
  }
}

/** Return the token for an attempt, asking the page for it if necessary. */
export async function resolveToken(
  token: ConnectionOptions["token"],
  signal: AbortSignal,
  timeout?: number,
): Promise<string | null> {
  if (typeof token !== "function") return token ?? null;
  const late = new FastRTCError("server_timeout", "It took too long to get a token. Try again.");
  try {
    return await inTime(Promise.resolve().then(token), late, signal, timeout);
  } catch (error) {
    if (error instanceof FastRTCError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    // What fetch throws without a network is a TypeError.
    const code = error instanceof TypeError ? "server_unreachable" : "unauthorized";
    throw new FastRTCError(code, `There is no token: ${reason}`);
  }
}

/**
 * Return the id that was chosen, or a random one: any client that has it is accepted.
 *
 * @throws FastRTCError if there are no random numbers.
 */
export function idOf(id: ConnectionOptions["id"], environment?: Environment): string {
  if (id) return typeof id === "function" ? id() : id;
  const bytes = fromEnvironment(environment, "crypto")?.getRandomValues(new Uint8Array(16));
  if (!bytes) throw new FastRTCError("bad_configuration", "Random ids need `crypto`.");
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
