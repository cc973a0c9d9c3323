/** The figures of the network, and their last minute. No elements, no clock. */

import type { StreamStats } from "@fastrtc/client";
import { bitrate, codecs, milliseconds, percent, pictureText } from "../view/figures";

/** How good a figure is for a conversation. */
export type Grade = "good" | "fair" | "poor";

/** A figure with its history. */
export interface Figure {
  name: string;
  value: string;
  /** What it means, for a tooltip and screen readers. */
  meaning: string;
  grade: Grade | null;
  /** The last minute, oldest first; null where it was not known. */
  history: readonly (number | null)[];
}

/** Number of samples that are kept, one a second. */
const MOST = 60;

const ROUTES: Record<NonNullable<StreamStats["route"]>, string> = {
  host: "Direct",
  prflx: "Direct",
  srflx: "NAT",
  relay: "TURN",
};

/** Up to which value a figure is good, and fair. */
const GRADES = {
  roundTrip: [0.15, 0.3],
  loss: [0.01, 0.05],
  jitter: [0.02, 0.05],
  latency: [1000, 2000],
} as const;

type Sample = Pick<
  StreamStats,
  "roundTrip" | "loss" | "jitter" | "sending" | "receiving" | "latency"
>;

/** The figures of a connection: pass it the statistics once a second. */
export class NetworkFigures {
  #samples: Sample[] = [];
  #last: StreamStats | null = null;

  /** Add statistics; null without a connection. */
  add(stats: StreamStats | null): void {
    this.#last = stats;
    if (!stats) return;
    const { roundTrip, loss, jitter, sending, receiving, latency } = stats;
    this.#samples.push({ roundTrip, loss, jitter, sending, receiving, latency });
    if (this.#samples.length > MOST) this.#samples.shift();
  }

  /** Forget the last connection. */
  clear(): void {
    this.#samples = [];
    this.#last = null;
  }

  /**
   * Return the figures.
   *
   * @param transport How the audio travels; null without a connection.
   * @param converses Whether both sides have sound, so that there are replies.
   */
  list(transport: "webrtc" | "websocket" | null, converses: boolean): Figure[] {
    const stats = this.#last;
    const of = (key: keyof Sample) => this.#samples.map((sample) => sample[key]);
    return [
      plain("Route", routeText(stats, transport), "How packets travel between page and program"),
      {
        name: "Round trip",
        value: milliseconds(stats?.roundTrip, 1000),
        meaning: "Time of a packet to the program and back",
        grade: gradeOf("roundTrip", stats?.roundTrip),
        history: of("roundTrip"),
      },
      {
        name: "Loss",
        value: percent(stats?.loss),
        meaning: "Share of the packets that did not arrive",
        grade: gradeOf("loss", stats?.loss),
        history: of("loss"),
      },
      {
        name: "Jitter",
        value: milliseconds(stats?.jitter, 1000),
        meaning: "How unevenly packets arrive",
        grade: gradeOf("jitter", stats?.jitter),
        history: of("jitter"),
      },
      {
        name: "Sending",
        value: bitrate(stats?.sending),
        meaning: "Bitrate to the program",
        grade: null,
        history: of("sending"),
      },
      {
        name: "Receiving",
        value: bitrate(stats?.receiving),
        meaning: "Bitrate from the program",
        grade: null,
        history: of("receiving"),
      },
      plain("Codec", codecs(stats), "How the media is encoded"),
      converses
        ? {
            name: "Reply after",
            value: milliseconds(stats?.latency, 1),
            meaning: "From the detected end of the turn to the first sound of the last reply",
            grade: gradeOf("latency", stats?.latency),
            history: of("latency"),
          }
        : plain("Picture", pictureText(stats), "Size and frames per second of what is received"),
    ];
  }
}

function plain(name: string, value: string, meaning: string): Figure {
  return { name, value, meaning, grade: null, history: [] };
}

function routeText(stats: StreamStats | null, transport: "webrtc" | "websocket" | null): string {
  if (transport === "websocket") return "WebSocket";
  if (!stats?.route) return "–";
  return `${ROUTES[stats.route]}${stats.protocol ? `, ${stats.protocol.toUpperCase()}` : ""}`;
}

function gradeOf(name: keyof typeof GRADES, value: number | null | undefined): Grade | null {
  if (value == null) return null;
  const [good, fair] = GRADES[name];
  return value <= good ? "good" : value <= fair ? "fair" : "poor";
}

/**
 * Return the points of a line through a history, for `points` of an SVG of 100 x 24.
 *
 * The newest value is at the right; the scale begins at 0. Gaps are left out.
 */
export function sparkline(history: readonly (number | null)[]): string {
  const known = history.filter((value) => value !== null);
  if (known.length < 2) return "";
  const top = Math.max(...known, 1e-9);
  return history
    .flatMap((value, index) => {
      if (value === null) return [];
      const x = 100 - (history.length - 1 - index) * (100 / (MOST - 1));
      return [`${x.toFixed(1)},${(23 - 22 * (value / top)).toFixed(1)}`];
    })
    .join(" ");
}
