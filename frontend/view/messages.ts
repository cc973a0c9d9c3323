/** The messages on the data channel of a call, newest first. */

import { h, setAttribute, setText } from "./dom";

/** The direction of a message. */
export type Way = "sent" | "received";

/** Maximum number of messages, and of characters shown of each. */
const MOST = 100;
const LONGEST = 300;

/** Return a message as one line. */
export function messageText(message: unknown): string {
  if (typeof message !== "object" || message === null) return shorten(plain(message));
  const { type, data, message: said, ...rest } = message as Record<string, unknown>;
  const content = data ?? said ?? (Object.keys(rest).length ? rest : "");
  const empty = content === "" || (Array.isArray(content) && content.length === 0);
  const parts = [typeof type === "string" ? type : "", empty ? "" : plain(content)];
  return shorten(parts.filter(Boolean).join(": ")) || "–";
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function shorten(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** The list. */
export class MessageList {
  readonly #count = h("span", {}, "0");
  readonly #list = h("ol", { "aria-label": "Messages, newest first" });
  readonly #none = h("p", { class: "frtc-hint" }, "No messages yet");
  readonly root = h(
    "div",
    { class: "frtc-messages" },
    h("p", { class: "frtc-title" }, "Messages ", this.#count),
    this.#none,
    this.#list,
  );
  #total = 0;

  add(way: Way, message: unknown): void {
    const time = new Date().toLocaleTimeString([], { hour12: false });
    const label = h("span", { class: `frtc-way frtc-${way}` }, way);
    this.#list.prepend(
      h("li", {}, h("time", {}, time), label, h("code", {}, messageText(message))),
    );
    if (this.#list.childElementCount > MOST) this.#list.lastElementChild?.remove();
    this.#total += 1;
    this.#none.hidden = true;
    setAttribute(this.#list, "tabindex", 0); // it can be scrolled with the keyboard
    setText(this.#count, String(this.#total));
  }

  /** Clear the list for a new call. */
  clear(): void {
    this.#list.replaceChildren();
    this.#total = 0;
    this.#none.hidden = false;
    setAttribute(this.#list, "tabindex", null);
    setText(this.#count, "0");
  }
}
