/** How long audio waits in the browser before it is played, for servers that record turns. */

import { fieldsOf } from "./messages";
import type { ServerMessage } from "./types";

/** An entry of the browser's statistics, with the fields used here; browsers omit some. */
interface Entry {
  type: string;
  kind?: string;
  /** The sum of the delays of all samples that have left the jitter buffer, in seconds. */
  jitterBufferDelay?: number;
  jitterBufferEmittedCount?: number;
  /** The sum of the delays of all samples that were played, in seconds. */
  totalPlayoutDelay?: number;
  totalSamplesCount?: number;
}

/** A sum of delays and the number of samples. */
interface Sum {
  delay: number;
  count: number;
}

/** Reads the delay of jitter buffer and output from the browser's statistics. */
export class PlayoutDelay {
  #buffer: Sum = { delay: 0, count: 0 };
  #output: Sum = { delay: 0, count: 0 };

  /**
   * Return the average delay since the last call, in seconds; null if it is not known.
   *
   * @param report The result of `RTCPeerConnection.getStats`.
   */
  read(report: Iterable<[string, unknown]>): number | null {
    const entries = [...new Map(report as Iterable<[string, Entry]>).values()];
    const inbound = entries.find((one) => one.type === "inbound-rtp" && one.kind === "audio");
    const playout = entries.find((one) => one.type === "media-playout");
    if (!inbound?.jitterBufferEmittedCount) return null;
    const buffer = {
      delay: inbound.jitterBufferDelay ?? 0,
      count: inbound.jitterBufferEmittedCount,
    };
    const output = {
      delay: playout?.totalPlayoutDelay ?? 0,
      count: playout?.totalSamplesCount ?? 0,
    };
    const seconds = since(buffer, this.#buffer) + since(output, this.#output);
    this.#buffer = buffer;
    this.#output = output;
    return seconds;
  }
}

/** The average delay since a former sum; of all samples if there are no new ones. */
function since(now: Sum, before: Sum): number {
  const samples = now.count - before.count;
  if (samples > 0) return Math.max(0, (now.delay - before.delay) / samples);
  return now.count > 0 ? now.delay / now.count : 0;
}

/** Answers a server that asks how long audio waits before it is played. */
export class PlayoutReports {
  readonly #read: () => Promise<number | null>;
  readonly #send: (message: unknown) => void;

  /**
   * @param read Returns the delay in seconds; null if it is not known.
   * @param send Sends a message.
   */
  constructor(read: () => Promise<number | null>, send: (message: unknown) => void) {
    this.#read = read;
    this.#send = send;
  }

  /** Process a message of the server; others than the question are ignored. */
  receive({ type, data }: ServerMessage): void {
    const { n } = fieldsOf(data);
    if (type === "report_heard" && typeof n === "number") void this.#answer(n);
  }

  async #answer(n: number): Promise<void> {
    const delay = await this.#read().catch(() => null); // no audio so far, or it ends just now
    this.#send({ type: "heard", data: { n, delay_s: delay } });
  }
}
