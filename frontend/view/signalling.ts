/** The way of offers to the server through the functions of the Gradio component. */

import { FastRTCError } from "../client";
import type { Answer, Accepted, Refusal, Signalling } from "../client";
import type { Server } from "./props";

/**
 * Makes the signalling of a component.
 *
 * @param server Gives its functions as they are now.
 * @param isThere Whether the server answers at all.
 */
export function gradioSignalling(
  server: () => Partial<Server>,
  isThere: () => Promise<boolean> = pageIsServed,
): Signalling {
  return {
    async offer(body) {
      const answer = await call(() => server().offer?.({ ...body }));
      if (isObject(answer)) return answer as unknown as Answer | Refusal | Accepted;
      // Gradio turns both an exception in the function and a lost network into null.
      if (!(await isThere())) throw unreachable();
      throw new FastRTCError(
        "server_error",
        "The server had an error when it was asked to connect. Its log says more.",
      );
    },
  };
}

async function pageIsServed(): Promise<boolean> {
  try {
    await fetch(location.href, { method: "HEAD", cache: "no-store" });
    return true;
  } catch {
    return false;
  }
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
