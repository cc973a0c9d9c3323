/** The button to talk, for streams where the user decides when a turn begins and ends. */

import { pushToTalk, type Connection, type TalkConnection } from "@fastrtc/client";
import { h, newId, setAttribute, setText, show } from "./dom";
import { icon, setIcon } from "./icons";
import type { Status } from "./status";

/** The button, and below it the keys that do the same. */
export class TalkButton {
  readonly #icon = icon("microphone");
  readonly #label = h("span", {});
  readonly #hint = h(
    "p",
    { class: "frtc-keys", id: newId("keys") },
    h("kbd", {}, "Space"),
    " to talk, ",
    h("kbd", {}, "Esc"),
    " to discard",
  );
  readonly button = h(
    "button",
    {
      class: "frtc-talk",
      type: "button",
      "aria-keyshortcuts": "Space",
      "aria-describedby": this.#hint.id,
    },
    h("span", { class: "frtc-talk-icon" }, this.#icon),
    this.#label,
  );
  readonly root = h("div", { class: "frtc-turn", hidden: true }, this.button, this.#hint);
  #unbind: (() => void) | null = null;
  #how: "held" | "tapped" | null = null;
  #status: Status | null = null;

  /** @param before The main button, which passes the focus on. */
  constructor(
    private readonly connection: TalkConnection & Pick<Connection, "state">,
    private readonly before: HTMLElement,
  ) {}

  /** Update it; it is shown while turns are manual and there is a connection. */
  follow(status: Status): void {
    this.#status = status;
    const wanted = this.connection.turn.manual && status.button === "stop";
    const came = wanted && this.root.hidden;
    show(this.root, wanted);
    if (wanted) {
      this.#unbind ??= pushToTalk(this.connection, this.button, {
        changed: (how) => {
          this.#how = how;
          this.#name();
        },
      });
    } else this.#release();
    setAttribute(this.button, "disabled", this.connection.state !== "connected");
    // Otherwise the space bar would press "Stop" after "Start".
    if (came && document.activeElement === this.before) this.button.focus();
    this.#name();
  }

  /** Release everything. */
  destroy(): void {
    this.#release();
  }

  #release(): void {
    this.#unbind?.();
    this.#unbind = null;
  }

  #name(): void {
    const tone = this.#status?.tone;
    const replying = tone === "thinking" || tone === "speaking" || tone === "resumed";
    setText(
      this.#label,
      this.#how === "held"
        ? "Release to send"
        : this.#how === "tapped"
          ? "Press to send"
          : replying
            ? "Hold to interrupt"
            : "Hold to talk",
    );
    setIcon(this.#icon, this.#how === null ? "microphone" : "send");
  }
}
