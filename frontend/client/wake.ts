/** Events after which a network that was lost may be back. */

import { listen } from "./environment";
import { onAbort } from "./limit";

/**
 * - `network`: the browser is online again, or uses another network.
 * - `page`: the page is shown again, or no longer frozen: its timers may have slept.
 */
export type Wake = "network" | "page";

/** The part of the Network Information API that is used here; not all browsers have it. */
interface NetworkInformation extends EventTarget {
  type?: string;
}

/** Call a listener for each of these events, until the signal is aborted. */
export function onWake(listener: (wake: Wake) => void, signal: AbortSignal): void {
  const { document, navigator } = globalThis as { document?: Document; navigator?: Navigator };
  const network = () => {
    listener("network");
  };
  const page = () => {
    if (document?.visibilityState !== "hidden") listener("page");
  };
  listen(globalThis, "online", network, signal);
  listen(globalThis, "pageshow", page, signal);
  listen(document, "visibilitychange", page, signal);
  listen(document, "resume", page, signal);
  const { connection } = (navigator ?? {}) as { connection?: NetworkInformation };
  // It also changes with the measured speed of the same network.
  let type = connection?.type;
  const change = () => {
    if (connection?.type === type && type !== undefined) return;
    type = connection?.type;
    network();
  };
  listen(connection, "change", change, signal);
}

/**
 * Wait, or until one of these events, or the signal is aborted.
 *
 * @returns Whether it was one of these events.
 */
export function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = (woken: boolean) => {
      clearTimeout(timer);
      stop();
      over.abort();
      resolve(woken);
    };
    const abort = () => {
      end(false);
    };
    const timer = setTimeout(abort, milliseconds);
    const stop = onAbort(signal, abort);
    if (signal.aborted) abort();
    else {
      onWake(() => {
        end(true);
      }, over.signal);
    }
  });
}
