/** The indicator that the conversation is recorded. */

import { h, setText } from "./dom";

/** A dot and a word; a screen reader reads when it begins and ends. */
export class RecordingBadge {
  readonly #said = h("span", {});
  readonly root = h("p", { class: "frtc-recording", "aria-live": "polite" }, this.#said);

  /** Follow the program. */
  follow(active: boolean): void {
    const was = this.root.classList.contains("frtc-on");
    if (active === was) return;
    this.root.classList.toggle("frtc-on", active);
    this.#said.classList.toggle("frtc-unseen", !active);
    setText(this.#said, active ? "Recording" : "No longer recording");
  }
}
