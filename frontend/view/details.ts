/** The drawer with the statistics of the connection. */

import type { StreamStats } from "@fastrtc/client";
import { h, newId, setAttribute, setText, show } from "./dom";
import { bitrate, codecs, milliseconds, percent, pictureText } from "./figures";
import { HistoryChart, swatch, type LevelHistory } from "./history";
import type { Layout } from "./layout";
import { MessageList } from "./messages";
import { Timeline } from "./timeline";

/** Update interval of the statistics while the drawer is open, in ms. */
const INTERVAL = 1000;

const ROUTES: Record<NonNullable<StreamStats["route"]>, string> = {
  host: "Direct",
  prflx: "Direct",
  srflx: "Through a NAT",
  relay: "Through a TURN server",
};

/**
 * Return the statistics as names and strings, with a dash for unknown values.
 *
 * @param layout The parts of the view: a conversation has replies.
 */
export function describe(stats: StreamStats | null, layout: Layout): [string, string][] {
  const { microphone, camera, speaker, picture: received } = layout;
  const rows: [string, string][] = [
    ["Connection", stats?.route ? routeText(stats) : "–"],
    ["Round trip", milliseconds(stats?.roundTrip, 1000)],
    ["Lost packets", percent(stats?.loss)],
  ];
  if (microphone && speaker) rows.push(["Last answer after", answerText(stats)]);
  if (stats?.picture) rows.push(["Picture", pictureText(stats)]);
  if (microphone || camera) rows.push(["Sending", bitrate(stats?.sending)]);
  if (speaker || received === "remote") rows.push(["Receiving", bitrate(stats?.receiving)]);
  rows.push(["Jitter", milliseconds(stats?.jitter, 1000)]);
  rows.push(["Codec", codecs(stats)]);
  return rows;
}

function routeText({ route, protocol }: StreamStats): string {
  const text = route ? ROUTES[route] : "–";
  return protocol ? `${text}, over ${protocol.toUpperCase()}` : text;
}

function answerText(stats: StreamStats | null): string {
  const ofPause = milliseconds(stats?.latency, 1);
  if (stats?.latencyFromSpeech == null) {
    return stats?.latency == null ? ofPause : `${ofPause} from the pause`;
  }
  return `${milliseconds(stats.latencyFromSpeech, 1)}, ${ofPause} from the pause`;
}

/** The drawer. */
export class DetailsDrawer {
  readonly id = newId("details");
  readonly messages = new MessageList();
  /** The turns; null where there is no conversation. */
  readonly timeline: Timeline | null;
  readonly #list = h("dl", {});
  readonly #assistant = h("span", {});
  readonly #chart: HistoryChart | null;
  readonly #figure = h("div", { class: "frtc-figure" });
  readonly root = h("div", {
    class: "frtc-drawer",
    id: this.id,
    role: "group",
    "aria-label": "Connection",
    hidden: true,
  });
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param read Returns the current statistics.
   * @param layout The parts of the view.
   * @param history The past levels.
   */
  constructor(
    private readonly read: () => Promise<StreamStats | null>,
    private readonly layout: Layout,
    history: LevelHistory,
  ) {
    const { microphone, speaker } = layout;
    this.timeline = microphone && speaker ? new Timeline() : null;
    this.root.append(
      this.timeline?.root ?? "",
      h("div", { class: "frtc-details" }, this.#figure, this.#list, this.messages.root),
    );
    this.#chart = microphone || speaker ? new HistoryChart(history, [microphone, speaker]) : null;
    if (this.#chart) {
      const sides = [
        microphone ? swatch("sent", "You") : null,
        speaker ? swatch("received", this.#assistant) : null,
      ];
      this.#figure.append(
        h("p", { class: "frtc-title frtc-key" }, h("span", {}, "Sound levels"), ...sides),
        this.#chart.canvas,
      );
    } else this.#figure.remove();
  }

  /** Forget the last call. */
  clear(): void {
    this.messages.clear();
    this.timeline?.clear();
  }

  /** Set the name of the other participant. */
  name(assistant: string): void {
    const { microphone, speaker } = this.layout;
    setText(this.#assistant, assistant);
    const sides = [microphone ? "you" : "", speaker ? assistant : ""].filter(Boolean);
    const label = `Sound levels: ${sides.join(" above, ")}${sides[1] ? " below" : ""}`;
    if (this.#chart) setAttribute(this.#chart.canvas, "aria-label", label);
  }

  /** Show or hide it; the statistics are read only while it is shown. */
  open(open: boolean): void {
    show(this.root, open);
    clearInterval(this.#timer);
    this.#chart?.open(open);
    if (!open) return;
    this.#timer = setInterval(() => void this.refresh(), INTERVAL);
    void this.refresh();
  }

  /** Update the statistics now. */
  async refresh(): Promise<void> {
    const rows = describe(await this.read(), this.layout);
    rows.forEach(([name, text], index) => {
      const row = this.#list.children[index] ?? this.#list.appendChild(newRow());
      const [term, value] = row.children;
      if (term && value) {
        setText(term, name);
        setText(value, text);
      }
    });
    while (this.#list.childElementCount > rows.length) this.#list.lastElementChild?.remove();
    // What does not fit can be scrolled with the keyboard.
    const overflows = this.root.scrollHeight > this.root.clientHeight + 1;
    setAttribute(this.root, "tabindex", overflows ? 0 : null);
  }

  destroy(): void {
    clearInterval(this.#timer);
    this.#chart?.open(false);
    this.root.remove();
  }
}

function newRow(): HTMLElement {
  return h("div", {}, h("dt"), h("dd"));
}
