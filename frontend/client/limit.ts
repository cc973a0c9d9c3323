/** Waiting, but not for ever. */

import type { FastRTCError } from "./errors";

/** How long a server may take, in ms: it answers within a second. */
export const ANSWER_WITHIN = 15_000;

/**
 * Wait for what a server gives, no longer than it may take.
 *
 * @param signal Aborted when it is no longer wanted.
 * @throws `late` when it takes too long or is no longer wanted.
 */
export async function inTime<Value>(
  answer: Promise<Value>,
  late: FastRTCError,
  signal?: AbortSignal,
): Promise<Value> {
  let end: () => void = () => undefined;
  const over = new Promise<never>((_, reject) => {
    end = () => {
      reject(late);
    };
  });
  const timer = setTimeout(end, ANSWER_WITHIN);
  signal?.addEventListener("abort", end);
  if (signal?.aborted) end();
  try {
    return await Promise.race([answer, over]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}
