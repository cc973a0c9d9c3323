/** The panel of the network. */

import { h, setAttribute, setText } from "../view/dom";
import { sparkline, type Figure } from "./network";
import { panel } from "./parts";

const GRADES = { good: "", fair: ", fair", poor: ", poor" } as const;

/** The figures, each with a line of its last minute. */
export class NetworkPanel {
  readonly #list = h("dl", { class: "pg-figures" });
  readonly root = panel("network", "Network", [], this.#list);

  /** Show figures; their number and order stay the same. */
  follow(figures: readonly Figure[]): void {
    figures.forEach((figure, index) => {
      const cell = this.#list.children[index] ?? this.#list.appendChild(newCell());
      const [name, value] = cell.children;
      if (!name || !value) return;
      setAttribute(cell, "data-grade", figure.grade);
      setAttribute(cell, "title", figure.meaning);
      setText(name, figure.name);
      const [text, unseen] = value.children;
      if (text) setText(text, figure.value);
      if (unseen) setText(unseen, figure.grade ? GRADES[figure.grade] : "");
      setAttribute(cell.querySelector("polyline") ?? cell, "points", sparkline(figure.history));
    });
  }
}

const SVG = "http://www.w3.org/2000/svg";

function newCell(): HTMLElement {
  const line = document.createElementNS(SVG, "svg");
  line.setAttribute("class", "pg-spark");
  line.setAttribute("viewBox", "0 0 100 24");
  line.setAttribute("preserveAspectRatio", "none");
  line.setAttribute("aria-hidden", "true");
  line.append(document.createElementNS(SVG, "polyline"));
  const value = h("dd", {}, h("span", {}), h("span", { class: "frtc-unseen" }), line);
  return h("div", {}, h("dt", {}), value);
}
