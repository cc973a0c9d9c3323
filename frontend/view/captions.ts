/** Captions on the stage, which appear once the program sends a transcript. */

import type { Speaker, Transcript } from "@fastrtc/client";
import { h, setAttribute, setText, show } from "./dom";

/** Number of texts that are kept, to scroll back to. */
const MOST = 50;

/** Distance from the end at which new text is still followed, in CSS pixels. */
const NEAR = 12;

/** What one side says without the other in between. */
interface Run {
  who: Speaker;
  /** Hidden from screen readers, with the name, until one of the texts is final. */
  root: HTMLElement;
  /** The texts by their keys. */
  texts: Map<number, HTMLElement>;
}

/**
 * The captions of both sides.
 *
 * Screen readers read each text once, when it is final: until then it is hidden from them.
 */
export class Captions {
  readonly root = h("div", {
    class: "frtc-captions",
    role: "log",
    "aria-live": "polite",
    "aria-relevant": "additions",
    "aria-label": "Captions",
    hidden: true,
  });
  #runs: Run[] = [];
  #wanted = true;
  /** Whether new text is scrolled to: unless the user has scrolled back. */
  #follows = true;
  /** The size at the last look: a new one scrolls, too, and is not the user. */
  #size = "";

  /** @param nameOf Returns the name of a speaker. */
  constructor(private readonly nameOf: (who: Speaker) => string) {
    this.root.addEventListener("scroll", () => {
      this.#look();
      this.#fade();
    });
    new ResizeObserver(() => {
      this.#scroll();
    }).observe(this.root);
  }

  /** Whether there are any. */
  get any(): boolean {
    return this.#runs.length > 0;
  }

  /** Show or hide them. */
  want(wanted: boolean): void {
    this.#wanted = wanted;
    this.#show();
    this.#scroll();
  }

  /** Show a text, or a new version of it; an empty one is removed. */
  put(transcript: Transcript): void {
    this.#look();
    const run = this.#runs.find(({ texts }) => texts.has(transcript.key));
    if (!transcript.text) {
      if (run) this.#remove(run, transcript.key);
    } else if (run) this.#replace(run, transcript);
    else this.#append(transcript);
    this.#show();
    this.#scroll();
  }

  /** Remove all. */
  clear(): void {
    this.#runs = [];
    this.root.replaceChildren();
    this.#follows = true;
    this.#show();
  }

  #append(transcript: Transcript): void {
    const { who, key } = transcript;
    let run = this.#runs.at(-1);
    if (run?.who !== who) {
      // The name has its own direction, so that the text determines that of the line.
      const name = h("bdi", { class: "frtc-speaker" }, this.nameOf(who));
      const root = lineOf(who, transcript.final, name);
      run = { who, root, texts: new Map() };
      this.#runs.push(run);
      this.root.append(root);
    }
    const element = textOf(transcript);
    run.texts.set(key, element);
    run.root.append(" ", element);
    if (transcript.final) read(run);
    const count = this.#runs.reduce((total, { texts }) => total + texts.size, 0);
    const [first] = this.#runs;
    const [oldest] = first?.texts.keys() ?? [];
    if (count > MOST && first && oldest !== undefined) this.#remove(first, oldest);
  }

  /** A new element is read by screen readers; a changed one is not. */
  #replace(run: Run, transcript: Transcript): void {
    const former = run.texts.get(transcript.key);
    if (!former) return;
    const wasPartial = former.getAttribute("aria-hidden") === "true";
    if (wasPartial === !transcript.final) {
      fill(former, transcript);
      return;
    }
    const element = textOf(transcript);
    former.replaceWith(element);
    run.texts.set(transcript.key, element);
    if (transcript.final) read(run);
  }

  #remove(run: Run, key: number): void {
    const element = run.texts.get(key);
    if (element?.previousSibling?.nodeType === Node.TEXT_NODE) element.previousSibling.remove();
    element?.remove();
    run.texts.delete(key);
    if (run.texts.size > 0) return;
    run.root.remove();
    this.#runs = this.#runs.filter((one) => one !== run);
  }

  #show(): void {
    show(this.root, this.#wanted && this.any);
    // A text that does not fit can be scrolled with the keyboard.
    const overflows = this.root.scrollHeight > this.root.clientHeight + 1;
    setAttribute(this.root, "tabindex", overflows ? 0 : null);
  }

  /** Notice that the user has scrolled. */
  #look(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.root;
    if (this.#size === `${clientHeight} ${scrollHeight}`)
      this.#follows = scrollTop + clientHeight >= scrollHeight - NEAR;
  }

  /** Scroll to the end, unless the user has scrolled back. */
  #scroll(): void {
    const { clientHeight, scrollHeight } = this.root;
    this.#size = `${clientHeight} ${scrollHeight}`;
    if (this.#follows) this.root.scrollTop = scrollHeight;
    this.#fade();
  }

  /** Show that there is more above. */
  #fade(): void {
    this.root.classList.toggle("frtc-scrolled", this.root.scrollTop > 2);
  }
}

function lineOf(who: Speaker, final: boolean, ...children: Node[]): HTMLElement {
  const hidden = final ? null : "true";
  const attributes = { class: `frtc-said frtc-${who}`, dir: "auto", "aria-hidden": hidden };
  return h("p", attributes, ...children);
}

/** Let screen readers read a line, by a new element. */
function read(run: Run): void {
  if (!run.root.hasAttribute("aria-hidden")) return;
  const root = lineOf(run.who, true, ...run.root.childNodes);
  run.root.replaceWith(root);
  run.root = root;
}

function textOf(transcript: Transcript): HTMLElement {
  const element = h("span", {
    class: transcript.final ? null : "frtc-partial",
    "aria-hidden": transcript.final ? null : "true",
  });
  fill(element, transcript);
  return element;
}

function fill(element: HTMLElement, { text, interrupted }: Transcript): void {
  if (!interrupted) setText(element, text);
  else {
    const unseen = h("span", { class: "frtc-unseen" }, "(interrupted)");
    element.replaceChildren(text, h("span", { "aria-hidden": "true" }, " –"), " ", unseen);
  }
}

/** Where the choice to hide captions is kept. */
const KEY = "fastrtc-captions";

/** Whether the user has not hidden captions, also in an earlier visit. */
export function wantsCaptions(): boolean {
  try {
    return localStorage.getItem(KEY) !== "hidden";
  } catch {
    return true; // storage is blocked
  }
}

/** Keep the user's choice. */
export function keepCaptionsWanted(wanted: boolean): void {
  try {
    if (wanted) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, "hidden");
  } catch {
    // storage is blocked: it holds until the page is closed
  }
}
