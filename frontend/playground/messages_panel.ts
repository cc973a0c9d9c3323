/** The panel of the messages: what goes in both directions, and a field to send some. */

import { h, setAttribute, setText, show } from "../view/dom";
import { icon as viewIcon } from "../view/icons";
import { icon } from "./icons";
import { InputHistory, readJson } from "./json_input";
import { timeText, type Entry, type Filter, type Log } from "./log";
import { Field, iconButton, panel, Segments } from "./parts";

/** Distance from the end at which new lines are still followed, in CSS pixels. */
const NEAR = 24;

/** Number of lines on the page. */
const MOST = 300;

const WAYS = { sent: "Sent", received: "Received", event: "Event" } as const;

/** The page's interface for the panel. */
export interface MessagesHost {
  /** Send a message; false if there is no connection. */
  send(message: unknown): boolean;
  /** Call a method of the program; rejects with an `Error` whose message is for the user. */
  call(name: string, data: unknown): Promise<unknown>;
  connected(): boolean;
}

/** The list and the field. */
export class MessagesPanel {
  readonly root: HTMLElement;
  readonly #list = h("ol", { class: "pg-log", role: "log", "aria-label": "Messages", tabindex: 0 });
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
    host: MessagesHost,
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
    this.#list.addEventListener("scroll", () => {
      const { scrollTop, clientHeight, scrollHeight } = this.#list;
      if (this.#size !== `${clientHeight} ${scrollHeight}`) return; // not the user's scrolling
      this.#follows = scrollTop + clientHeight >= scrollHeight - NEAR;
    });
    new ResizeObserver(() => {
      this.#scroll();
    }).observe(this.#list);
    this.root = panel(
      "messages",
      "Messages",
      [this.#search, clear],
      h("div", { class: "pg-filter" }, this.#ways.root),
      h("div", { class: "pg-scroll" }, this.#none, this.#list),
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
    this.#scroll();
  }

  #scroll(): void {
    const { clientHeight, scrollHeight } = this.#list;
    this.#size = `${clientHeight} ${scrollHeight}`;
    if (this.#follows) this.#list.scrollTop = scrollHeight;
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

type Kind = "message" | "call";

/** The field for a message, or for a call. */
class Composer {
  readonly root: HTMLFormElement;
  readonly #kinds: Segments<Kind>;
  readonly #name = h("input", {
    class: "pg-method",
    placeholder: "Method",
    "aria-label": "Method of the program",
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "off",
  });
  readonly #json = h("textarea", { rows: 2, spellcheck: "false", autocapitalize: "off" });
  readonly #field = new Field("", this.#json);
  readonly #button = h("button", { class: "pg-send", type: "submit" });
  readonly #label = h("span", {});
  readonly #result = h("output", { class: "pg-result", hidden: true });
  readonly #past: Record<Kind, InputHistory> = {
    message: new InputHistory(),
    call: new InputHistory(),
  };
  readonly #drafts: Record<Kind, string> = { message: "", call: "" };
  #kind: Kind = "message";

  constructor(private readonly host: MessagesHost) {
    this.#kinds = new Segments<Kind>(
      [
        ["message", "Message"],
        ["call", "Call"],
      ],
      (kind) => {
        this.#drafts[this.#kind] = this.#json.value;
        this.#kind = kind;
        this.#json.value = this.#drafts[kind];
        this.#tell("");
        this.follow();
      },
    );
    setAttribute(this.#kinds.root, "aria-label", "What to send");
    this.#button.append(viewIcon("send"), this.#label);
    this.root = h(
      "form",
      { class: "pg-composer", novalidate: true },
      h("div", { class: "pg-compose-head" }, this.#kinds.root, this.#name),
      h("div", { class: "pg-compose-body" }, this.#field.root, this.#button),
      this.#result,
    );
    this.root.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.#json.addEventListener("keydown", (event) => {
      this.#key(event);
    });
    this.#json.addEventListener("input", () => {
      this.#field.note("");
    });
    this.follow();
  }

  follow(): void {
    const call = this.#kind === "call";
    this.#kinds.follow(this.#kind);
    show(this.#name, call);
    setText(this.#label, call ? "Call" : "Send");
    setAttribute(this.#json, "aria-label", call ? "Data of the call, as JSON" : "Message, as JSON");
    setAttribute(
      this.#json,
      "placeholder",
      call ? '{"city": "Oslo"}, or nothing' : '{"type": "hello", "data": 1}',
    );
    setAttribute(this.#button, "disabled", !this.host.connected());
    setAttribute(
      this.#button,
      "title",
      this.host.connected() ? "Enter sends, Shift+Enter begins a line" : "Start first",
    );
  }

  #key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void this.#submit();
      return;
    }
    const { value, selectionStart, selectionEnd } = this.#json;
    const past = this.#past[this.#kind];
    const first = event.key === "ArrowUp" && selectionStart === 0 && selectionEnd === 0;
    const last = event.key === "ArrowDown" && selectionStart === value.length;
    const found = first ? past.up(value) : last ? past.down() : null;
    if (found === null) return;
    event.preventDefault();
    this.#json.value = found;
    const at = first ? 0 : found.length;
    this.#json.setSelectionRange(at, at);
  }

  async #submit(): Promise<void> {
    const typed = this.#json.value;
    const call = this.#kind === "call";
    const name = this.#name.value.trim();
    const read = readJson(typed);
    if (!this.host.connected()) this.#field.note("Start first: there is no connection.", true);
    else if (call && !name) this.#name.focus();
    else if (!call && !typed.trim()) this.#json.focus();
    else if ("error" in read) this.#field.note(read.error, true);
    else {
      this.#past[this.#kind].push(typed);
      this.#tell("");
      if (call) await this.#call(name, read.value);
      else if (this.host.send(read.value)) this.#json.value = "";
      else this.#field.note("The channel is not open yet.", true);
    }
  }

  async #call(name: string, data: unknown): Promise<void> {
    try {
      this.#tell(`${name}: ${JSON.stringify(await this.host.call(name, data))}`);
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error), true);
    }
  }

  #tell(text: string, isError = false): void {
    setText(this.#result, text);
    show(this.#result, text !== "");
    this.#result.classList.toggle("pg-error", isError);
  }
}
