/** Signaling over HTTP. */

import { FastRTCError } from "./errors";
import { ANSWER_WITHIN } from "./limit";
import { httpError, timeoutError } from "./sentences";
import type { Accepted, Answer, Refusal, Signalling } from "./types";

/** The end of the address of the route for offers; the one for WebSockets is beside it. */
const OFFER_ROUTE = /(?<=^|\/)webrtc\/offer(?=$|\?)/;

/**
 * Post offers and candidates as JSON.
 *
 * @param url The address of the route from `Stream.mount`. If it ends in `/webrtc/offer`, the
 *   WebSocket route is `/websocket/offer` beside it.
 * @param init Further options for `fetch`: `headers`, `credentials`.
 */
export function httpSignalling(url = "/webrtc/offer", init: RequestInit = {}): Signalling {
  const headers = new Headers(init.headers);
  headers.set("Content-Type", "application/json");
  return {
    websocket: OFFER_ROUTE.test(url) ? url.replace(OFFER_ROUTE, "websocket/offer") : null,
    async offer(body, signal, token) {
      const sent = new Headers(headers);
      if (token) sent.set("Authorization", `Bearer ${token}`);
      const limit = new AbortController();
      const abort = () => {
        limit.abort();
      };
      const timer = setTimeout(abort, ANSWER_WITHIN);
      signal?.addEventListener("abort", abort);
      try {
        const response = await fetch(url, {
          ...init,
          method: "POST",
          headers: sent,
          body: JSON.stringify(body),
          signal: limit.signal,
        });
        return await read(response);
      } catch (error) {
        if (error instanceof FastRTCError) throw error;
        throw limit.signal.aborted
          ? timeoutError()
          : new FastRTCError(
              "server_unreachable",
              "The server cannot be reached. Is it running? Is the network there?",
            );
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
      }
    },
  };
}

async function read(response: Response): Promise<Answer | Refusal | Accepted> {
  const text = await response.text();
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw httpError(response.status);
  }
  if (!response.ok)
    throw httpError(response.status, (answer as { detail?: unknown } | null)?.detail);
  return answer as Answer | Refusal | Accepted;
}
