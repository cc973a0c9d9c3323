/** Captions over the stage, which appear once the server sends a transcript. */

import { h, setText, show } from "./dom";

/** The speaker. */
export type Who = "user" | "assistant";

/** The data of a message of type "transcript". */
export interface Caption {
  who: Who;
  text: string;
  /** Whether it is final; otherwise the next caption of the same speaker replaces it. */
  final: boolean;
}

/** Number of captions shown. */
const MOST = 2;

/** Parse the data of a message; null if it is not a transcript. */
export function readCaption(data: unknown): Caption | null {
  if (typeof data !== "object" || data === null) return null;
  const { who, text, final = true } = data as Record<string, unknown>;
  if ((who !== "user" && who !== "assistant") || typeof text !== "string") return null;
  return { who, text: text.trim(), final: final !== false };
}

/** The captions. */
export class Captions {
  readonly root = h("div", {
    class: "frtc-captions",
    role: "log",
    "aria-label": "Captions",
    hidden: true,
  });
  #lines: { caption: Caption; element: HTMLElement }[] = [];

  /** @param nameOf Returns the name of a speaker. */
  constructor(private readonly nameOf: (who: Who) => string) {}

  /** Show the data of a message; data that is not a transcript is ignored. */
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

  /** Clear the captions. */
  clear(): void {
    this.#lines = [];
    this.root.replaceChildren();
    show(this.root, false);
  }
}
