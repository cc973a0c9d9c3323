/** Signaling over HTTP. */

import { fromEnvironment } from "./environment";
import { FastRTCError } from "./errors";
import { ANSWER_WITHIN, onAbort } from "./limit";
import { httpError, timeoutError, unreachableError } from "./sentences";
import type {
  Accepted,
  Answer,
  ConnectionOptions,
  Environment,
  Refusal,
  Signalling,
} from "./types";

/** The end of the address of the route for offers; the one for WebSockets is beside it. */
const OFFER_ROUTE = /(^|\/)webrtc(\/offer($|\?))/;

/** Return how the offers of a connection are sent. */
export function signallingOf({ signalling, url = "", environment }: ConnectionOptions): Signalling {
  return signalling ?? httpSignalling(`${url.replace(/\/+$/, "")}/webrtc/offer`, {}, environment);
}

/**
 * Post offers and candidates as JSON.
 *
 * @param url The address of the route from `Stream.mount`. If it ends in `/webrtc/offer`, the
 *   WebSocket route is `/websocket/offer` beside it.
 * @param init Further options for `fetch`: `headers`, `credentials`.
 * @param environment Where `fetch` is taken from; by default the global one.
 */
export function httpSignalling(
  url = "/webrtc/offer",
  init: RequestInit = {},
  environment?: Pick<Environment, "fetch">,
): Signalling {
  const headers = new Headers(init.headers);
  headers.set("Content-Type", "application/json");
  return {
    websocket: OFFER_ROUTE.test(url) ? url.replace(OFFER_ROUTE, "$1websocket$2") : null,
    async offer(body, signal, token) {
      const sent = new Headers(headers);
      if (token) sent.set("Authorization", `Bearer ${token}`);
      const limit = new AbortController();
      const abort = () => {
        limit.abort();
      };
      const timer = setTimeout(abort, ANSWER_WITHIN);
      const stop = onAbort(signal, abort);
      try {
        const fetch = fromEnvironment(environment, "fetch") as NonNullable<Environment["fetch"]>;
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
        throw limit.signal.aborted ? timeoutError() : unreachableError();
      } finally {
        clearTimeout(timer);
        stop();
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
