/** Signaling through the functions of the Gradio component. */

import { FastRTCError } from "@fastrtc/client";
import type { Answer, Accepted, Refusal, Signalling } from "@fastrtc/client";
import { httpError, inTime, timeoutError } from "@fastrtc/client/internal";
import type { Server } from "./props";

/** The part of Gradio's configuration that is used here. */
interface GradioWindow {
  gradio_config?: { root?: string; api_prefix?: string };
}

/** Statuses of a page that exists but does not allow HEAD. */
const NOT_ALLOWED = 405;

/**
 * Create the signaling of a component.
 *
 * @param server Returns its current functions.
 */
export function gradioSignalling(server: () => Partial<Server>): Signalling {
  return {
    websocket: () => askForSocket(server()),
    offer: (body, signal) => inTime(offer(server(), withToken(body)), timeoutError(), signal),
  };
}

async function offer(
  server: Partial<Server>,
  body: Record<string, unknown>,
): Promise<Answer | Refusal | Accepted> {
  const answer = await call(() => server.offer?.(body));
  if (isObject(answer)) return answer as unknown as Answer | Refusal | Accepted;
  throw await whyNothing();
}

/** Explain null, which Gradio returns for exceptions, network failures and HTTP errors. */
async function whyNothing(): Promise<FastRTCError> {
  const { root, api_prefix = "" } = (window as GradioWindow).gradio_config ?? {};
  try {
    // The page is also served to users whose login has expired.
    const { ok, status } = await (root === undefined
      ? fetch(location.href, { method: "HEAD", cache: "no-store" })
      : fetch(`${root}${api_prefix}/login_check`, { cache: "no-store" }));
    if (!ok && status !== NOT_ALLOWED) return httpError(status);
  } catch (cause) {
    return unreachable(cause);
  }
  return new FastRTCError(
    "server_error",
    "The server had an error when it was asked to connect. See its log.",
  );
}

/** Return the token in the address of the page: `?token=`; null if there is none. */
export function tokenOfPage(): string | null {
  return new URLSearchParams(location.search).get("token");
}

/** Add the token of the page to the body of a request, as those of Gradio have no header for it. */
function withToken(body: object): Record<string, unknown> {
  const token = tokenOfPage();
  return token === null ? { ...body } : { ...body, token };
}

/** Request the STUN and TURN servers from the server; null uses the browser's default. */
export async function askForTurn(server: Partial<Server>): Promise<RTCConfiguration | null> {
  const answer = await call(() => server.turn?.(withToken({})));
  return isObject(answer) ? answer : null;
}

/** Request the address of a WebSocket, which is below that of the page; null if there is none. */
async function askForSocket(server: Partial<Server>): Promise<string | null> {
  const answer = await call(() => server.websocket?.(withToken({})));
  if (typeof answer !== "string") {
    const error = await whyNothing();
    if (error.code !== "server_error") throw error;
    return null;
  }
  const { root = location.href.replace(/\/?([?#].*)?$/, "") } =
    (window as GradioWindow).gradio_config ?? {};
  return root + answer;
}

async function call(ask: () => Promise<unknown> | undefined): Promise<unknown> {
  try {
    return await ask();
  } catch (cause) {
    throw unreachable(cause);
  }
}

function unreachable(cause?: unknown): FastRTCError {
  return new FastRTCError(
    "server_unreachable",
    "The server cannot be reached. Check your network, or whether the server is running.",
    { cause },
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
