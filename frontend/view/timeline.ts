/**
 * The timeline of turns: a strip for each, with its parts to scale, and the figures of one of them.
 *
 * It has no part of the view in it: the debug page of the server uses it, too.
 */

import type { TurnRecord } from "@fastrtc/client";
import { h, newId, setAttribute, setText, show } from "./dom";
import {
  cutOf,
  durationText,
  nameOf,
  outcomeOf,
  partsOf,
  scaleOf,
  sentenceOf,
  silenceOf,
  stepOf,
  type Part,
} from "./turn_text";

/** Number of turns shown, unless another one is given. */
const MOST = 20;

/** The shares of a strip in percent; 4 are for the mark of its end, and parts of the least width. */
const SHARES = { speech: 16, silence: 60, reply: 20 };

/** The shortest scale of the silence, in seconds. */
const SHORTEST = 1;

/** What a timeline says while there is nothing to show. */
const EMPTY = "None yet. Each turn of the conversation appears here.";

/** A strip with its turn. */
interface Strip {
  turn: TurnRecord;
  root: HTMLElement;
  name: HTMLElement;
  bar: HTMLElement;
  figure: HTMLElement;
}

/** The timeline; the newest turn comes first. */
export class Timeline {
  readonly root: HTMLElement;
  readonly #axis = h("div", { class: "frtc-axis", "aria-hidden": "true" });
  readonly #list = h("div", {
    class: "frtc-strips",
    role: "listbox",
    "aria-label": "Turns, newest first",
  });
  readonly #chart = h("div", { class: "frtc-chart" }, this.#axis, this.#list);
  readonly #unit = h("span", {}, "Seconds since the end of speech");
  readonly #empty = h("span", { class: "frtc-hint" }, EMPTY);
  readonly #title = h("p", { class: "frtc-turn-title" });
  readonly #parts = h("dl", { class: "frtc-parts" });
  readonly #figures = h("div", { class: "frtc-turn-figures" }, this.#title, this.#parts);
  #strips: Strip[] = [];
  /** The turn whose figures are shown; null follows the newest. */
  #chosen: number | null = null;
  readonly #most: number;

  constructor({ most = MOST }: { most?: number } = {}) {
    this.#most = most;
    this.root = h(
      "div",
      { class: "frtc-timeline" },
      h("p", { class: "frtc-title frtc-key" }, h("span", {}, "Turns"), this.#unit, this.#empty),
      this.#chart,
      this.#figures,
    );
    this.#list.addEventListener("keydown", (event) => {
      this.#move(event);
    });
    this.#list.addEventListener("mouseleave", () => {
      this.#show(this.#current());
    });
    this.#list.addEventListener("scroll", () => {
      this.#fade();
    });
    // It has a size when it is shown.
    new ResizeObserver(() => {
      this.#fade();
    }).observe(this.#list);
    this.#draw();
  }

  /** Add a turn, or replace the one with its number. */
  add(turn: TurnRecord): void {
    const there = this.#strips.find((strip) => strip.turn.number === turn.number);
    if (there) there.turn = turn;
    else {
      this.#strips.push(this.#strip(turn));
      this.#strips.sort((a, b) => b.turn.number - a.turn.number);
      for (const { root } of this.#strips.splice(this.#most)) root.remove();
    }
    this.#draw();
  }

  /** Remove all turns. */
  clear(): void {
    this.#strips = [];
    this.#chosen = null;
    this.#list.replaceChildren();
    this.#draw();
  }

  #strip(turn: TurnRecord): Strip {
    const name = h("span", { class: "frtc-strip-name", "aria-hidden": "true" });
    const bar = h("span", { class: "frtc-strip-bar", "aria-hidden": "true" });
    const figure = h("span", { class: "frtc-strip-figure", "aria-hidden": "true" });
    const root = h(
      "div",
      { class: "frtc-strip", role: "option", id: newId("strip") },
      name,
      bar,
      figure,
    );
    const strip = { turn, root, name, bar, figure };
    root.addEventListener("click", () => {
      this.#choose(strip);
    });
    root.addEventListener("focus", () => {
      this.#choose(strip);
    });
    root.addEventListener("mouseenter", () => {
      this.#show(strip);
    });
    return strip;
  }

  /** Follow a strip that was selected; the newest one gives way to a newer. */
  #choose(strip: Strip): void {
    this.#chosen = strip === this.#strips[0] ? null : strip.turn.number;
    this.#select();
  }

  #current(): Strip | undefined {
    return (
      this.#strips.find(({ turn }) => turn.number === this.#chosen) ?? this.#strips.find(Boolean)
    );
  }

  #move(event: KeyboardEvent): void {
    const index = this.#strips.findIndex(({ root }) => root === event.target);
    const last = this.#strips.length - 1;
    const keys: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      Home: 0,
      End: last,
    };
    const to = keys[event.key];
    if (to === undefined || index < 0) return;
    event.preventDefault();
    this.#strips[Math.max(0, Math.min(last, to))]?.root.focus();
  }

  #draw(): void {
    const none = this.#strips.length === 0;
    show(this.#empty, none);
    show(this.#chart, !none);
    show(this.#unit, !none);
    show(this.#figures, !none);
    const parts = this.#strips.map(({ turn }) => partsOf(turn));
    const longest = (name: Part["name"]): number =>
      Math.max(
        1,
        scaleOf(parts.flat().flatMap((part) => (part.name === name ? part.seconds : []))),
      );
    const silences = this.#strips.flatMap(({ turn }) => silenceOf(turn) ?? []);
    const scale = Math.max(SHORTEST, scaleOf(silences));
    const widths = {
      speech: SHARES.speech / longest("speech"),
      reply: SHARES.reply / longest("reply"),
      silence: SHARES.silence / scale,
    };
    this.#drawAxis(scale);
    this.#strips.forEach((strip, index) => {
      drawStrip(strip, parts[index] ?? [], widths);
      if (this.#list.children[index] !== strip.root) {
        this.#list.insertBefore(strip.root, this.#list.children[index] ?? null);
      }
    });
    this.#select();
    this.#fade();
  }

  /** Show that there is more below. */
  #fade(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.#list;
    this.#list.classList.toggle("frtc-more", scrollTop + clientHeight < scrollHeight - 2);
  }

  #drawAxis(scale: number): void {
    const step = stepOf(scale);
    const count = Math.floor(scale / step + 1e-9) + 1;
    this.#axis.replaceChildren(
      ...Array.from({ length: count }, (_, index) => {
        const mark = h("span", {}, String(Number((index * step).toFixed(1))));
        mark.style.left = `${SHARES.speech + (SHARES.silence * index * step) / scale}%`;
        return mark;
      }),
    );
  }

  #select(): void {
    const current = this.#current();
    for (const strip of this.#strips) {
      setAttribute(strip.root, "aria-selected", String(strip === current));
      setAttribute(strip.root, "tabindex", strip === current ? 0 : -1);
    }
    this.#show(current);
  }

  /** Show the figures of a turn. */
  #show(strip: Strip | undefined): void {
    if (!strip) return;
    const { turn } = strip;
    const outcome = outcomeOf(turn);
    setText(this.#title, outcome ? `${nameOf(turn)}, ${outcome}` : nameOf(turn));
    this.#parts.replaceChildren(
      ...partsOf(turn).map(({ name, seconds, label, meaning }) =>
        h(
          "div",
          { title: meaning },
          h("dt", {}, h("i", { class: `frtc-part frtc-part-${name}` }), label),
          h("dd", {}, durationText(seconds)),
        ),
      ),
    );
  }
}

/** Percent of the strip for a second of each kind of part. */
type Widths = Record<Kind, number>;
type Kind = keyof typeof SHARES;

function kindOf({ name }: Part): Kind {
  return name === "speech" || name === "reply" ? name : "silence";
}

function drawStrip({ turn, root, name, bar, figure }: Strip, parts: Part[], widths: Widths): void {
  setAttribute(root, "aria-label", sentenceOf(turn));
  root.dataset["outcome"] = turn.outcome ?? "running";
  setText(name, turn.kind === "reply" ? String(turn.number) : "–");
  const silence = silenceOf(turn);
  setText(figure, silence === null ? (turn.outcome === null ? "…" : "") : durationText(silence));
  const inner = parts.filter((part) => kindOf(part) === "silence");
  const cut = cutOf(
    inner.map(({ seconds }) => seconds),
    SHARES.silence / widths.silence,
  );
  const pieces = parts.map((part) => {
    const isCut = inner.includes(part) && part.seconds - cut > 0.001;
    const piece = h("i", { class: `frtc-part frtc-part-${part.name}`, title: partTitle(part) });
    piece.classList.toggle("frtc-cut", isCut);
    const kind = kindOf(part);
    const seconds = isCut ? cut : part.seconds;
    piece.style.width = `${Math.min(seconds * widths[kind], SHARES[kind]).toFixed(2)}%`;
    return piece;
  });
  const before = h("i", { class: "frtc-before" });
  const speech = parts[0]?.name === "speech" ? parts[0].seconds * widths.speech : 0;
  before.style.width = `${Math.max(0, SHARES.speech - speech).toFixed(2)}%`;
  bar.replaceChildren(before, ...pieces);
}

function partTitle({ label, seconds, meaning }: Part): string {
  return `${label}: ${durationText(seconds)}. ${meaning}.`;
}
