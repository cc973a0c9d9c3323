/** Small parts of the panels. */

import { h, newId, setAttribute, setText, show } from "../view/dom";

/** A panel: a section with a title, and what stands beside it. */
export function panel(
  name: string,
  title: string,
  beside: (Node | null)[],
  ...children: (Node | null)[]
): HTMLElement {
  const heading = h("h2", { id: newId(name) }, title);
  return h(
    "section",
    { class: `pg-panel pg-${name}`, "aria-labelledby": heading.id },
    h("header", { class: "pg-head" }, heading, ...beside),
    ...children,
  );
}

/** A label above a control, if it has one there, and below it what is wrong or worth knowing. */
export class Field {
  readonly root: HTMLElement;
  readonly #note: HTMLElement;

  constructor(
    label: string,
    private readonly control: HTMLElement,
  ) {
    control.id ||= newId("field");
    this.#note = h("p", { class: "pg-note", id: newId("note"), hidden: true });
    const title =
      control.tagName === "DIV"
        ? h("span", { class: "pg-label", id: newId("label") }, label)
        : h("label", { class: "pg-label", for: control.id }, label);
    show(title, label !== "");
    if (control.tagName === "DIV") setAttribute(control, "aria-labelledby", title.id);
    setAttribute(control, "aria-describedby", this.#note.id);
    this.root = h("div", { class: "pg-field" }, title, control, this.#note);
  }

  /** Say something about the value; "" says nothing. */
  note(text: string, isError = false): void {
    setText(this.#note, text);
    show(this.#note, text !== "");
    this.#note.classList.toggle("pg-error", isError);
    setAttribute(this.control, "aria-invalid", isError ? "true" : null);
  }
}

/** Values to choose from, as buttons in a row. */
export class Segments<Value extends string> {
  readonly root = h("div", { class: "pg-segments", role: "radiogroup" });
  readonly #inputs: HTMLInputElement[];

  constructor(options: readonly (readonly [Value, string])[], choose: (value: Value) => void) {
    const name = newId("segments");
    this.#inputs = options.map(([value, label]) => {
      const input = h("input", { type: "radio", name, value });
      input.addEventListener("change", () => {
        choose(value);
      });
      this.root.append(h("label", {}, input, h("span", {}, label)));
      return input;
    });
  }

  /** Show the value that is chosen; `enabled` says which can be. */
  follow(value: Value, enabled: (value: Value) => boolean = () => true): void {
    for (const input of this.#inputs) {
      input.checked = input.value === value;
      input.disabled = !enabled(input.value as Value);
    }
  }
}

/** Replace the options of a list if they have changed, and choose one. */
export function fillSelect(
  select: HTMLSelectElement,
  options: readonly (readonly [string, string])[],
  value: string,
): void {
  const now = [...select.options].map((one) => `${one.value} ${one.text}`).join("\n");
  if (now !== options.map((one) => one.join(" ")).join("\n")) {
    select.replaceChildren(...options.map(([id, text]) => h("option", { value: id }, text)));
  }
  select.value = options.some(([id]) => id === value) ? value : (options[0]?.[0] ?? "");
}

/** A button with an icon only; its name is that of screen readers, and its tooltip. */
export function iconButton(name: string, picture: Node, press: () => void): HTMLButtonElement {
  const button = h("button", { class: "pg-icon-button", type: "button" }, picture);
  rename(button, name);
  button.addEventListener("click", press);
  return button;
}

/** Change the name of a button with an icon. */
export function rename(button: HTMLElement, name: string): void {
  setAttribute(button, "aria-label", name);
  setAttribute(button, "title", name);
}
