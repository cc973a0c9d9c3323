/** Detection of a peer connection on which nothing arrives, sooner than browsers report it. */

/** Interval between two looks at the statistics, in ms. */
export const LOOK_EVERY = 500;

/** Time without any packet after which the connection counts as disconnected, in ms. Each side
 * checks it every 2.5 to 5 s, even if there is no media (RFC 7675). */
export const SILENT_AFTER = 5000;

/** An entry of a report, with the fields used here; browsers omit some. */
interface Entry {
  type: string;
  bytesReceived?: number;
  requestsReceived?: number;
  responsesReceived?: number;
}

/**
 * Return a number that grows with whatever arrives; null in browsers that do not count the
 * responses to their checks.
 *
 * @param report The result of `RTCPeerConnection.getStats`.
 */
export function countArrived(report: Iterable<[string, unknown]>): number | null {
  const pairs = [...(report as Iterable<[string, Entry]>)]
    .map(([, entry]) => entry)
    .filter(({ type }) => type === "candidate-pair");
  if (!pairs.some(({ responsesReceived }) => responsesReceived !== undefined)) return null;
  return pairs.reduce(
    (sum, { bytesReceived = 0, requestsReceived = 0, responsesReceived = 0 }) =>
      sum + bytesReceived + requestsReceived + responsesReceived,
    0,
  );
}

/** Decides whether a connection is silent. */
export class SilenceDetector {
  #arrived: number | null = null;
  #since = 0;

  /**
   * Return whether nothing has arrived for `SILENT_AFTER`.
   *
   * @param arrived See `countArrived`.
   * @param now The time in ms.
   */
  isSilent(arrived: number | null, now: number): boolean {
    if (arrived === null || arrived !== this.#arrived) {
      this.#arrived = arrived;
      this.#since = now;
    }
    return now - this.#since >= SILENT_AFTER;
  }
}
