/** The playback volume. */

import { h } from "./dom";

/** Whether this browser lets a page set the volume; iPhones do not. */
export function canSetVolume(): boolean {
  const player = document.createElement("audio");
  player.volume = 0.5;
  return player.volume === 0.5;
}

/** A slider from 0 to 100 percent; `follow` receives 0 to 1. */
export class VolumeSlider {
  readonly #input = h("input", {
    type: "range",
    min: 0,
    max: 100,
    step: 5,
    "aria-label": "Volume",
  });
  readonly #shown = h("output", { class: "frtc-percent", "aria-hidden": "true" });
  readonly root = h(
    "div",
    { class: "frtc-level" },
    h("span", { "aria-hidden": "true" }, "Volume"),
    this.#input,
    this.#shown,
  );

  /** @param set Sets the volume, 0 to 1. */
  constructor(set: (volume: number) => void) {
    this.#input.addEventListener("input", () => {
      const volume = Number(this.#input.value) / 100;
      this.follow(volume);
      set(volume);
    });
    this.follow(1);
  }

  /** Shows a volume. */
  follow(volume: number): void {
    const percent = `${Math.round(volume * 100)}`;
    this.#input.value = percent;
    this.#input.style.setProperty("--frtc-level", String(volume));
    this.#shown.textContent = `${percent} %`;
  }
}
