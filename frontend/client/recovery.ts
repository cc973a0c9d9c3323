/** Makes the attempts to reconnect, as its policy decides. */

import type { AnyLink } from "./connector";
import { toFastRTCError } from "./errors";
import { onAbort } from "./limit";
import type { ReconnectPolicy } from "./reconnection";
import { onWake, pause } from "./wake";

/** The connection that is lost. */
export interface RecoveryHost {
  /** Aborted when it is over. */
  readonly signal: AbortSignal;
  /**
   * Make an attempt; resolves when connected, rejects with a FastRTCError.
   *
   * @param resumes Whether to resume the session.
   */
  attempt(resumes: boolean, signal: AbortSignal, timeout: number | null): Promise<void>;
}

/** How a recovery has ended: the link that was lost may have `returned` by itself. */
export type Recovery = "connected" | "returned" | "given_up" | "over";

/** Reconnect; the link that was lost stays open, and may return until an attempt has connected. */
export async function recover(
  policy: ReconnectPolicy,
  former: AnyLink,
  host: RecoveryHost,
): Promise<Recovery> {
  const now = () => performance.now();
  for (;;) {
    if (host.signal.aborted) return "over";
    if (!former.lost) return "returned";
    const step = policy.step(now());
    if (step.do === "give_up") return "given_up";
    if (step.do === "wait") {
      if (await wait(step.milliseconds, former, host.signal)) policy.wake(now());
      continue;
    }
    const attempt = new AbortController();
    const abort = () => {
      attempt.abort();
    };
    const stop = onAbort(host.signal, abort);
    let stale = false as boolean;
    onWake((wake) => {
      if (wake !== "network" || !policy.isStale(now())) return;
      stale = true;
      abort();
    }, attempt.signal);
    try {
      await host.attempt(step.do === "resume", attempt.signal, step.timeout);
      return "connected";
    } catch (error) {
      policy.failed(toFastRTCError(error), now());
      if (stale) policy.wake(now());
    } finally {
      stop();
      abort(); // which ends the listeners
    }
  }
}

/** Wait, or until the link returns; return whether the network or the page has woken it. */
async function wait(milliseconds: number, former: AnyLink, signal: AbortSignal): Promise<boolean> {
  const over = new AbortController();
  const end = () => {
    over.abort();
  };
  const off = former.on("returned", end);
  const stop = onAbort(signal, end);
  try {
    return await pause(milliseconds, over.signal);
  } finally {
    off();
    stop();
  }
}
