/** The drawer that tells how the connection is doing. */

import type { StreamStats } from "../client";
import { h, newId, setText, show } from "./dom";

/** How often the figures are read while the drawer is open, in ms. */
const INTERVAL = 1000;

const ROUTES: Record<NonNullable<StreamStats["route"]>, string> = {
  host: "Direct",
  prflx: "Direct",
  srflx: "Through a NAT",
  relay: "Through a TURN server",
};

/**
 * The figures, as names and texts; a dash where nothing is known.
 *
 * @param answers Whether there is a conversation, which has answers.
 */
export function describe(stats: StreamStats | null, answers: boolean): [string, string][] {
  const rows: [string, string][] = [
    ["Connection", stats?.route ? routeText(stats) : "–"],
    ["Round trip", milliseconds(stats?.roundTrip, 1000)],
    ["Lost packets", stats?.loss == null ? "–" : `${(stats.loss * 100).toFixed(1)} %`],
  ];
  if (answers) rows.push(["Last answer after", answerText(stats)]);
  if (stats?.picture) {
    const { width, height, framesPerSecond } = stats.picture;
    rows.push(["Picture", `${width} × ${height}, ${Math.round(framesPerSecond)}/s`]);
  }
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

function milliseconds(value: number | null | undefined, factor: number): string {
  return value == null ? "–" : `${Math.round(value * factor)} ms`;
}

/** The drawer. */
export class DetailsDrawer {
  readonly id = newId("details");
  readonly #list = h("dl", {});
  readonly root = h(
    "div",
    { class: "frtc-drawer", id: this.id, role: "group", "aria-label": "Connection", hidden: true },
    this.#list,
  );
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param read Gives the figures of the moment.
   * @param answers Whether there is a conversation.
   */
  constructor(
    private readonly read: () => Promise<StreamStats | null>,
    private readonly answers: boolean,
  ) {}

  /** Shows or hides it; the figures are read only while it is shown. */
  open(open: boolean): void {
    show(this.root, open);
    clearInterval(this.#timer);
    if (!open) return;
    this.#timer = setInterval(() => void this.refresh(), INTERVAL);
    void this.refresh();
  }

  /** Reads the figures now. */
  async refresh(): Promise<void> {
    const rows = describe(await this.read(), this.answers);
    rows.forEach(([name, text], index) => {
      const row = this.#list.children[index] ?? this.#list.appendChild(newRow());
      const [term, value] = row.children;
      if (term && value) {
        setText(term, name);
        setText(value, text);
      }
    });
    while (this.#list.childElementCount > rows.length) this.#list.lastElementChild?.remove();
  }

  destroy(): void {
    clearInterval(this.#timer);
    this.root.remove();
  }
}

function newRow(): HTMLElement {
  return h("div", {}, h("dt"), h("dd"));
}
