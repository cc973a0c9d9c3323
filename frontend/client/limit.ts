/** Waiting with a timeout. */

import type { FastRTCError } from "./errors";

/** Timeout for the server, in ms; it usually responds within a second. */
export const ANSWER_WITHIN = 15_000;

/** The functions to call when a signal is aborted: Node warns of more than ten listeners. */
const actions = new WeakMap<AbortSignal, Set<() => void>>();

/** Call a function when a signal is aborted; returns a function that stops this. */
export function onAbort(signal: AbortSignal | undefined, action: () => void): () => void {
  let all = signal && actions.get(signal);
  if (signal && !all) {
    const added = (all = new Set<() => void>());
    actions.set(signal, added);
    signal.addEventListener("abort", () => {
      for (const one of added) one();
    });
  }
  all?.add(action);
  return () => all?.delete(action);
}

/**
 * Wait for a response of the server, with a timeout.
 *
 * @param signal Aborted when the response is no longer needed.
 * @param timeout The timeout in ms.
 * @throws `late` on timeout, or when it is no longer needed.
 */
export async function inTime<Value>(
  answer: Promise<Value>,
  late: FastRTCError,
  signal?: AbortSignal,
  timeout = ANSWER_WITHIN,
): Promise<Value> {
  let end: () => void = () => undefined;
  const over = new Promise<never>((_, reject) => {
    end = () => {
      reject(late);
    };
  });
  const timer = setTimeout(end, timeout);
  const stop = onAbort(signal, end);
  if (signal?.aborted) end();
  try {
    return await Promise.race([answer, over]);
  } finally {
    clearTimeout(timer);
    stop();
  }
}
