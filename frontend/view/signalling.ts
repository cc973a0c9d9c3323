/** The way of offers to the server through the functions of the Gradio component. */

import { FastRTCError } from "../client";
import type { Answer, Accepted, Refusal, Signalling } from "../client";
import { inTime } from "../client/limit";
import { httpError, timeoutError } from "../client/sentences";
import type { Server } from "./props";

/** What is used of what Gradio tells the page. */
interface GradioWindow {
  gradio_config?: { root?: string; api_prefix?: string };
}

/** What a page says that is there, but may not be asked with HEAD. */
const NOT_ALLOWED = 405;

/**
 * Makes the signalling of a component.
 *
 * @param server Gives its functions as they are now.
 */
export function gradioSignalling(server: () => Partial<Server>): Signalling {
  return {
    offer: (body, signal) => inTime(offer(server(), { ...body }), timeoutError(), signal),
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

/** Gradio turns an exception in the function, a lost network and every HTTP error into null. */
async function whyNothing(): Promise<FastRTCError> {
  const { root, api_prefix = "" } = (window as GradioWindow).gradio_config ?? {};
  try {
    // The page itself is served to those, too, whose login has expired.
    const { ok, status } = await (root === undefined
      ? fetch(location.href, { method: "HEAD", cache: "no-store" })
      : fetch(`${root}${api_prefix}/login_check`, { cache: "no-store" }));
    if (!ok && status !== NOT_ALLOWED) return httpError(status);
  } catch (cause) {
    return unreachable(cause);
  }
  return new FastRTCError(
    "server_error",
    "The server had an error when it was asked to connect. Its log says more.",
  );
}

/** Asks the server for the STUN and TURN servers; null leaves it to the browser. */
export async function askForTurn(server: Partial<Server>): Promise<RTCConfiguration | null> {
  const answer = await call(() => server.turn?.({}));
  return isObject(answer) ? answer : null;
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
