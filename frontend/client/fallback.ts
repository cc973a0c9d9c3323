/** The choice between WebRTC and a WebSocket. */

import type { FastRTCError } from "./errors";
import { httpSignalling } from "./signalling";
import type { ConnectionOptions } from "./types";

/** How long ICE may take after the answer before a WebSocket is tried, in ms. */
export const ICE_TIMEOUT = 5000;

/** How long a network counts as blocking UDP, in ms; then WebRTC is tried again. */
const REMEMBERED = 600_000;

/** Errors of WebRTC that a WebSocket does not have. */
const NO_ROUTE = ["ice_failed", "turn_refused", "turn_server_failed"];

/** Until when UDP counts as blocked, by address. */
const blocked = new Map<string, number>();

/** Return the address of the WebSocket that a connection may use; null if it may use none. */
export function socketAddress(options: ConnectionOptions): string | null {
  const { modality = "audio", transport = "webrtc", signalling = httpSignalling() } = options;
  if (transport === "webrtc" || modality !== "audio" || !signalling.websocket) return null;
  const address = new URL(signalling.websocket, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  return address.href;
}

/** Return whether to use a WebSocket without trying WebRTC. */
export function skipsWebRTC(address: string, options: ConnectionOptions): boolean {
  return (
    options.transport === "websocket" ||
    typeof RTCPeerConnection === "undefined" ||
    performance.now() < (blocked.get(address) ?? 0)
  );
}

/** Return whether a WebSocket may connect where WebRTC has failed with this error. */
export function isWithoutRoute(error: FastRTCError): boolean {
  return NO_ROUTE.includes(error.code);
}

/** Remember whether a server was reached over a WebSocket after WebRTC had failed. */
export function rememberBlocked(address: string, isBlocked: boolean): void {
  if (isBlocked) blocked.set(address, performance.now() + REMEMBERED);
  else blocked.delete(address);
}

/** Forget which networks block UDP: another one may let it through. */
export function forgetBlocked(): void {
  blocked.clear();
}
