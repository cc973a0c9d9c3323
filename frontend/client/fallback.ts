/** The choice between WebRTC and a WebSocket. */

import { fromEnvironment } from "./environment";
import type { FastRTCError } from "./errors";
import { signallingOf } from "./signalling";
import type { ConnectionOptions } from "./types";

/** How long ICE may take after the answer before a WebSocket is tried, in ms. */
export const ICE_TIMEOUT = 5000;

/** How long a network counts as blocking UDP, in ms; then WebRTC is tried again. */
const REMEMBERED = 600_000;

/** Errors of WebRTC that a WebSocket does not have. */
const NO_ROUTE = ["ice_failed", "turn_refused", "turn_server_failed"];

/** Until when UDP counts as blocked, by host. */
const blocked = new Map<string, number>();

/** Return whether a connection may use a WebSocket, if there is a route for it. */
export function mayUseSocket(options: ConnectionOptions): boolean {
  const { modality = "audio", transport = "webrtc" } = options;
  return transport !== "webrtc" && modality === "audio" && Boolean(signallingOf(options).websocket);
}

/**
 * Return the address of the WebSocket that a connection may use; null if there is none.
 *
 * @throws FastRTCError if the server cannot be asked for it.
 */
export async function socketAddress(options: ConnectionOptions): Promise<string | null> {
  if (!mayUseSocket(options)) return null;
  const { websocket } = signallingOf(options);
  const route = typeof websocket === "function" ? await websocket() : websocket;
  return route ? (absolute(route)?.href.replace(/^http/, "ws") ?? null) : null;
}

/** Return whether to use a WebSocket without trying WebRTC. */
export function skipsWebRTC(options: ConnectionOptions): boolean {
  return (
    options.transport === "websocket" ||
    !fromEnvironment(options.environment, "RTCPeerConnection") ||
    performance.now() < (blocked.get(hostOf(options)) ?? 0)
  );
}

/** Return whether a WebSocket may connect where WebRTC has failed with this error. */
export function isWithoutRoute(error: FastRTCError): boolean {
  return NO_ROUTE.includes(error.code);
}

/** Remember whether a server was reached over a WebSocket after WebRTC had failed. */
export function rememberBlocked(options: ConnectionOptions, isBlocked: boolean): void {
  if (isBlocked) blocked.set(hostOf(options), performance.now() + REMEMBERED);
  else blocked.delete(hostOf(options));
}

/** Forget which networks block UDP: another one may let it through. */
export function forgetBlocked(): void {
  blocked.clear();
}

function hostOf(options: ConnectionOptions): string {
  const route = signallingOf(options).websocket;
  return absolute(typeof route === "string" ? route : "")?.host ?? "";
}

/** Resolve an address relative to that of the page, if there is one. */
function absolute(route: string): URL | null {
  const { location } = globalThis as { location?: Location };
  try {
    return new URL(route, location?.href);
  } catch {
    return null;
  }
}
