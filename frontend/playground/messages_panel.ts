/** The panel of the messages: what goes in both directions, and a field to send some. */

import { h, setAttribute, setText, show } from "../view/dom";
import { Composer, type ComposerHost } from "./composer";
import { icon } from "./icons";
import { timeText, type Entry, type Filter, type Log } from "./log";
import { iconButton, panel, Segments } from "./parts";

/** Distance from the end at which new lines are still followed, in CSS pixels. */
const NEAR = 24;

/** Number of lines on the page. */
const MOST = 300;

const WAYS = { sent: "Sent", received: "Received", event: "Event" } as const;

/** The list and the field. */
export class MessagesPanel {
  readonly root: HTMLElement;
  readonly #list = h("ol");
  readonly #scroll = h(
    "div",
    { class: "pg-log", role: "log", "aria-label": "Messages", tabindex: 0 },
    this.#list,
  );
  readonly #none = h("p", { class: "pg-empty" });
  readonly #search = h("input", {
    type: "search",
    placeholder: "Filter",
    "aria-label": "Filter messages",
  });
  readonly #ways: Segments<Filter["way"]>;
  readonly #composer: Composer;
  readonly #rows = new Map<number, HTMLElement>();
  #filter: Filter = { way: "all", search: "" };
  /** Whether the newest lines are shown, rather than older ones. */
  #follows = true;
  /** The heights of the list and its content when it was last scrolled to the end. */
  #size = "";

  constructor(
    private readonly log: Log,
    host: ComposerHost,
  ) {
    this.#ways = new Segments<Filter["way"]>(
      [
        ["all", "All"],
        ["sent", "Sent"],
        ["received", "Received"],
        ["event", "Events"],
      ],
      (way) => {
        this.#filter = { ...this.#filter, way };
        this.#rebuild();
      },
    );
    this.#ways.follow("all");
    setAttribute(this.#ways.root, "aria-label", "Kinds of messages");
    this.#search.addEventListener("input", () => {
      this.#filter = { ...this.#filter, search: this.#search.value };
      this.#rebuild();
    });
    const clear = iconButton("Clear the messages", icon("clear"), () => {
      this.log.clear();
      this.#rebuild();
    });
    this.#composer = new Composer(host);
    this.#scroll.addEventListener("scroll", () => {
      const { scrollTop, clientHeight, scrollHeight } = this.#scroll;
      if (this.#size !== `${clientHeight} ${scrollHeight}`) return; // not the user's scrolling
      this.#follows = scrollTop + clientHeight >= scrollHeight - NEAR;
    });
    new ResizeObserver(() => {
      this.#scrollDown();
    }).observe(this.#scroll);
    this.root = panel(
      "messages",
      "Messages",
      [this.#search, clear],
      h("div", { class: "pg-filter" }, this.#ways.root),
      h("div", { class: "pg-scroll" }, this.#none, this.#scroll),
      this.#composer.root,
    );
    this.#rebuild();
  }

  /** Show a new entry. */
  add(entry: Entry): void {
    const shown = this.log.list(this.#filter).at(-1);
    if (shown?.key === entry.key) this.#append(entry);
    if (entry.took === null) return;
    // A result tells how long its call took, also if only the call is shown.
    for (const one of this.log.list({ way: "all", search: "" })) {
      const took = this.#rows.get(one.key)?.querySelector(".pg-took");
      if (took) setText(took, tookText(one));
    }
  }

  /** Follow the state of the connection. */
  follow(): void {
    this.#composer.follow();
  }

  /** Offer the field for inputs, unless something is typed. */
  askForInputs(): void {
    this.#composer.askForInputs();
  }

  /** Ask for the routes of the program again. */
  forgetRoutes(): void {
    this.#composer.forgetRoutes();
  }

  #append(entry: Entry): void {
    const row = rowOf(entry);
    this.#rows.set(entry.key, row);
    this.#list.append(row);
    const [oldest] = this.#rows;
    if (this.#rows.size > MOST && oldest) {
      oldest[1].remove();
      this.#rows.delete(oldest[0]);
    }
    show(this.#none, false);
    this.#scrollDown();
  }

  #scrollDown(): void {
    const { clientHeight, scrollHeight } = this.#scroll;
    this.#size = `${clientHeight} ${scrollHeight}`;
    if (this.#follows) this.#scroll.scrollTop = scrollHeight;
  }

  #rebuild(): void {
    this.#rows.clear();
    this.#list.replaceChildren();
    const entries = this.log.list(this.#filter).slice(-MOST);
    const any = this.log.list({ way: "all", search: "" }).length > 0;
    setText(this.#none, any ? "No message passes the filter." : "Messages and events appear here.");
    show(this.#none, entries.length === 0);
    this.#follows = true;
    for (const entry of entries) this.#append(entry);
  }
}

function rowOf(entry: Entry): HTMLElement {
  const { way, type, text, tone, at, body } = entry;
  const line = [
    h("span", { class: "pg-way" }, icon(way), h("span", { class: "frtc-unseen" }, WAYS[way])),
    h("time", {}, timeText(at)),
    h("b", {}, type),
    h("code", {}, text),
    h("span", { class: "pg-took" }, tookText(entry)),
  ];
  const attributes = { class: "pg-line", "data-way": way, "data-tone": tone };
  if (body === undefined) return h("li", attributes, h("div", { class: "pg-row" }, ...line));
  const more = h("pre", { tabindex: 0 });
  const details = h("details", {}, h("summary", { class: "pg-row" }, ...line), more);
  details.addEventListener("toggle", () => {
    if (details.open) setText(more, JSON.stringify(body, null, 2));
  });
  return h("li", attributes, details);
}

function tookText({ took }: Entry): string {
  return took === null ? "" : `${Math.round(took)} ms`;
}
