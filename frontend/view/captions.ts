/** What was said, as text over the stage: nothing is there until the server sends a transcript. */

import { h, setText, show } from "./dom";

/** Who says something. */
export type Who = "user" | "assistant";

/** A piece of a transcript: a message of the type "transcript" has it as its data. */
export interface Caption {
  who: Who;
  text: string;
  /** Whether the next piece of the same speaker is another one; else it replaces this one. */
  final: boolean;
}

/** How many pieces are shown at a time. */
const MOST = 2;

/** Reads the data of a message; null if it is no piece of a transcript. */
export function readCaption(data: unknown): Caption | null {
  if (typeof data !== "object" || data === null) return null;
  const { who, text, final = true } = data as Record<string, unknown>;
  if ((who !== "user" && who !== "assistant") || typeof text !== "string") return null;
  return { who, text: text.trim(), final: final !== false };
}

/** The place of the captions. */
export class Captions {
  readonly root = h("div", {
    class: "frtc-captions",
    role: "log",
    "aria-label": "Captions",
    hidden: true,
  });
  #lines: { caption: Caption; element: HTMLElement }[] = [];

  /** @param nameOf Gives the name of a speaker. */
  constructor(private readonly nameOf: (who: Who) => string) {}

  /** Shows the data of a message; what is no transcript changes nothing. */
  add(data: unknown): void {
    const caption = readCaption(data);
    if (!caption) return;
    const open = this.#lines.find(({ caption: { who, final } }) => who === caption.who && !final);
    if (open) {
      open.caption = caption;
      setText(open.element, caption.text);
    } else if (caption.text) {
      const element = h("span", {}, caption.text);
      const name = h("b", {}, this.nameOf(caption.who));
      this.root.append(h("p", { class: `frtc-said frtc-${caption.who}` }, name, " ", element));
      this.#lines.push({ caption, element });
    }
    while (this.#lines.length > MOST) {
      this.#lines.shift();
      this.root.firstElementChild?.remove();
    }
    show(this.root, this.#lines.length > 0);
  }

  /** Forgets what was said. */
  clear(): void {
    this.#lines = [];
    this.root.replaceChildren();
    show(this.root, false);
  }
}
