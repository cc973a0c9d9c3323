/** Tabs, where there is no room for all panels side by side. */

import { h, newId, setAttribute, show } from "../view/dom";

/** The width from which all panels are shown, in CSS pixels; the same as in playground.css. */
const WIDE = "(min-width: 960px)";

/** A tab and the panels that it shows. */
export interface Tab {
  name: string;
  panels: HTMLElement[];
}

/** The row of tabs; on a wide page it is hidden, and so is no panel. */
export class Tabs {
  readonly root = h("div", { class: "pg-tabs", role: "tablist", "aria-label": "Panels" });
  readonly #buttons: HTMLButtonElement[];
  readonly #wide = matchMedia(WIDE);
  #chosen = 0;

  constructor(private readonly tabs: readonly Tab[]) {
    this.#buttons = tabs.map(({ name, panels }, index) => {
      const button = h("button", { type: "button", role: "tab", id: newId("tab") }, name);
      for (const one of panels) one.id ||= newId("panel");
      setAttribute(button, "aria-controls", panels.map(({ id }) => id).join(" "));
      button.addEventListener("click", () => {
        this.choose(index);
      });
      return button;
    });
    this.root.append(...this.#buttons);
    this.root.addEventListener("keydown", (event) => {
      this.#move(event);
    });
    this.#wide.addEventListener("change", () => {
      this.#apply();
    });
    this.#apply();
  }

  /** Show the panels of a tab. */
  choose(index: number): void {
    this.#chosen = index;
    this.#apply();
  }

  /** Show or hide a tab with its panels. */
  offer(index: number, offered: boolean): void {
    const button = this.#buttons[index];
    if (!button) return;
    show(button, offered);
    for (const one of this.tabs[index]?.panels ?? []) show(one, offered);
    if (!offered && index === this.#chosen) this.choose(0);
  }

  /** Mark that there is something new on a tab that is not shown. */
  mark(index: number): void {
    const hidden = index !== this.#chosen;
    this.#buttons[index]?.classList.toggle("pg-new", hidden);
  }

  #move(event: KeyboardEvent): void {
    const offered = this.#buttons.filter((button) => !button.hidden);
    const at = offered.findIndex((button) => button === this.#buttons[this.#chosen]);
    const keys: Record<string, number> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: -1,
    };
    const to = keys[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const button = offered.at(to % offered.length);
    if (!button) return;
    this.choose(this.#buttons.indexOf(button));
    button.focus();
  }

  #apply(): void {
    const wide = this.#wide.matches;
    this.tabs.forEach(({ panels }, index) => {
      const button = this.#buttons[index];
      const chosen = index === this.#chosen;
      if (button) {
        setAttribute(button, "aria-selected", String(chosen));
        setAttribute(button, "tabindex", chosen ? 0 : -1);
        if (chosen) button.classList.remove("pg-new");
      }
      for (const one of panels) {
        setAttribute(one, "role", wide ? null : "tabpanel");
        one.classList.toggle("pg-away", !wide && !chosen);
      }
    });
  }
}
