/** The text field of the textbox variant. */

import { h, setAttribute } from "./dom";
import { icon } from "./icons";

/** A field that grows with its text; Enter sends, Shift+Enter starts a new line. */
export class Composer {
  readonly root: HTMLElement;
  readonly #field = h("textarea", {
    class: "frtc-field",
    rows: 1,
    placeholder: "Type a message",
    "aria-label": "Message",
    enterkeyhint: "send",
  });
  readonly #button = h(
    "button",
    { class: "frtc-send", type: "button", "aria-label": "Send", title: "Send" },
    icon("send"),
  );
  #waiting = false;

  /** @param send Sends the text; returns whether it was sent. */
  constructor(private readonly send: (text: string) => Promise<boolean>) {
    this.root = h("div", { class: "frtc-composer" }, this.#field, this.#button);
    this.#field.addEventListener("input", () => {
      this.#refresh();
    });
    this.#field.addEventListener("keydown", (event) => {
      // During composition (Japanese, Chinese), Enter is handled by the input method.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.#submit();
    });
    this.#button.addEventListener("click", () => {
      void this.#submit();
      this.#field.focus();
    });
    this.#refresh();
  }

  /** Send the text; it stays in the field if it could not be sent. */
  async #submit(): Promise<void> {
    const text = this.#field.value.trim();
    if (text === "" || this.#waiting) return;
    this.#waiting = true;
    this.#refresh();
    const sent = await this.send(text);
    this.#waiting = false;
    if (sent && this.#field.value.trim() === text) this.#field.value = "";
    this.#refresh();
  }

  #refresh(): void {
    setAttribute(this.#button, "disabled", this.#waiting || this.#field.value.trim() === "");
    setAttribute(this.#button, "aria-busy", this.#waiting ? "true" : null);
    this.#field.style.height = "";
    const { scrollHeight } = this.#field; // 0 if it is not on the page
    if (scrollHeight > 0) this.#field.style.height = `${scrollHeight}px`;
  }
}
