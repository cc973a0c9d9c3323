/** The field below the messages: for a message, a call, or the inputs of the handler. */

import { h, newId, setAttribute, setText, show } from "../view/dom";
import { icon as viewIcon } from "../view/icons";
import type { InputRoute } from "./inputs";
import { InputHistory, readJson, readObject } from "./json_input";
import { Field, Segments } from "./parts";
import { isOwnPath } from "./target";

/** The page's interface for the field. */
export interface ComposerHost {
  /** Send a message; false if there is no connection. */
  send(message: unknown): boolean;
  /** Call a method of the program; rejects with an `Error` whose message is for the user. */
  call(name: string, data: unknown): Promise<unknown>;
  connected(): boolean;
  /** The routes of the program for inputs. */
  inputRoutes(): Promise<InputRoute[]>;
  /** The route and the inputs that are set; empty for none. */
  inputs(): [string, string];
  /**
   * Keep inputs, and send them now or when there is a connection; rejects as `call`.
   *
   * @returns Whether they were sent.
   */
  setInputs(route: string, inputs: string): Promise<boolean>;
  /** Whether the program has a route for inputs; a Gradio page has not. */
  hasInputs(): boolean;
}

type Kind = "message" | "call" | "inputs";

/** What the field says, by what is sent. */
const TEXTS: Record<Kind, { label: string; placeholder: string; send: string }> = {
  message: {
    label: "Message, as JSON",
    placeholder: '{"type": "hello", "data": 1}',
    send: "Send",
  },
  call: {
    label: "Data of the call, as JSON",
    placeholder: '{"city": "Oslo"}, or nothing',
    send: "Call",
  },
  inputs: { label: "Inputs, as a JSON object", placeholder: '{"threshold": 0.5}', send: "Set" },
};

const NO_ROUTE = "The program lists no route for inputs. Enter the path of yours, such as /inputs.";

/** The field. */
export class Composer {
  readonly root: HTMLFormElement;
  readonly #kinds: Segments<Kind>;
  readonly #name = nameInput("Method", "Method of the program");
  readonly #routes = h("datalist", { id: newId("routes") });
  readonly #route = nameInput("Route, such as /inputs", "Route of the inputs", this.#routes.id);
  readonly #json = h("textarea", { rows: 2, spellcheck: "false", autocapitalize: "off" });
  readonly #field = new Field("", this.#json);
  readonly #button = h("button", { class: "pg-send", type: "submit" });
  readonly #label = h("span", {});
  readonly #result = h("output", { class: "pg-result", hidden: true });
  readonly #past: Record<Kind, InputHistory> = {
    message: new InputHistory(),
    call: new InputHistory(),
    inputs: new InputHistory(),
  };
  readonly #drafts: Record<Kind, string> = { message: "", call: "", inputs: "" };
  #kind: Kind = "message";
  /** The route and its inputs as the page has proposed them. */
  #proposed = { route: "", inputs: "" };
  #known: Promise<InputRoute[]> | null = null;

  constructor(private readonly host: ComposerHost) {
    this.#kinds = new Segments<Kind>(
      [
        ["message", "Message"],
        ["call", "Call"],
        ["inputs", "Inputs"],
      ],
      (kind) => {
        this.#choose(kind);
      },
    );
    setAttribute(this.#kinds.root, "aria-label", "What to send");
    [this.#route.value, this.#drafts.inputs] = host.inputs();
    this.#route.addEventListener("change", () => void this.#propose());
    this.#button.append(viewIcon("send"), this.#label);
    this.root = h(
      "form",
      { class: "pg-composer", novalidate: true },
      h(
        "div",
        { class: "pg-compose-head" },
        this.#kinds.root,
        this.#name,
        this.#route,
        this.#routes,
      ),
      h("div", { class: "pg-compose-body" }, this.#field.root, this.#button),
      this.#result,
    );
    this.root.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.#json.addEventListener("keydown", (event) => {
      this.#key(event);
    });
    this.#json.addEventListener("input", () => {
      this.#field.note("");
    });
    this.follow();
  }

  follow(): void {
    const kind = this.#kind;
    const { label, placeholder, send } = TEXTS[kind];
    this.#kinds.follow(kind, (one) => one !== "inputs" || this.host.hasInputs());
    show(this.#name, kind === "call");
    show(this.#route, kind === "inputs");
    setText(this.#label, send);
    setAttribute(this.#json, "aria-label", label);
    setAttribute(this.#json, "placeholder", placeholder);
    const ready = kind === "inputs" || this.host.connected();
    setAttribute(this.#button, "disabled", !ready);
    setAttribute(
      this.#button,
      "title",
      ready ? "Enter sends, Shift+Enter begins a line" : "Start first",
    );
  }

  askForInputs(): void {
    if (this.#kind !== "inputs" && !this.#json.value.trim()) this.#choose("inputs");
  }

  /** Ask for the routes again: the program may have other ones. */
  forgetRoutes(): void {
    this.#known = null;
    if (this.#kind === "inputs") void this.#propose();
  }

  #choose(kind: Kind): void {
    this.#drafts[this.#kind] = this.#json.value;
    this.#kind = kind;
    this.#json.value = this.#drafts[kind];
    this.#field.note("");
    this.#tell("");
    this.follow();
    if (kind === "inputs") void this.#propose();
  }

  /** Propose a route of the program, and inputs that it takes. */
  async #propose(): Promise<void> {
    this.#known ??= this.host.inputRoutes().catch(() => []);
    const routes = await this.#known;
    if (this.#kind !== "inputs") return;
    if (routes.length === 0) {
      this.#known = null; // the program may not be there yet
      if (!this.#route.value) this.#field.note(NO_ROUTE);
      return;
    }
    this.#routes.replaceChildren(...routes.map(({ path }) => h("option", { value: path })));
    const find = () => routes.find(({ path }) => path === this.#route.value);
    if (!this.#route.value || (this.#route.value === this.#proposed.route && !find())) {
      this.#route.value = this.#proposed.route = routes[0]?.path ?? "";
    }
    const route = find();
    if (!route || this.#json.value !== this.#proposed.inputs) return;
    this.#json.value = this.#proposed.inputs = JSON.stringify(route.example);
  }

  #key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void this.#submit();
      return;
    }
    const { value, selectionStart, selectionEnd } = this.#json;
    const past = this.#past[this.#kind];
    const first = event.key === "ArrowUp" && selectionStart === 0 && selectionEnd === 0;
    const last = event.key === "ArrowDown" && selectionStart === value.length;
    const found = first ? past.up(value) : last ? past.down() : null;
    if (found === null) return;
    event.preventDefault();
    this.#json.value = found;
    const at = first ? 0 : found.length;
    this.#json.setSelectionRange(at, at);
  }

  async #submit(): Promise<void> {
    const typed = this.#json.value;
    if (this.#kind === "inputs") {
      await this.#setInputs(this.#route.value.trim(), typed.trim());
      return;
    }
    const call = this.#kind === "call";
    const name = this.#name.value.trim();
    const read = readJson(typed);
    if (!this.host.connected()) this.#field.note("Start first: there is no connection.", true);
    else if (call && !name) this.#name.focus();
    else if (!call && !typed.trim()) this.#json.focus();
    else if ("error" in read) this.#field.note(read.error, true);
    else {
      this.#past[this.#kind].push(typed);
      this.#tell("");
      if (call) await this.#call(name, read.value);
      else if (this.host.send(read.value)) this.#json.value = "";
      else this.#field.note("The channel is not open yet.", true);
    }
  }

  async #setInputs(route: string, typed: string): Promise<void> {
    const read = readObject(typed);
    if ("error" in read) this.#field.note(read.error, true);
    else if (read.value && !isOwnPath(route)) {
      this.#field.note("A route is a path of the program, such as /inputs.", true);
      this.#route.focus();
    } else {
      this.#past.inputs.push(typed);
      this.#field.note("");
      try {
        const sent = await this.host.setInputs(route, read.value ? typed : "");
        this.#tell(read.value ? (sent ? "Set." : "Sent when connected.") : "No inputs are set.");
      } catch (error) {
        this.#tell(error instanceof Error ? error.message : String(error), true);
      }
    }
  }

  async #call(name: string, data: unknown): Promise<void> {
    try {
      this.#tell(`${name}: ${JSON.stringify(await this.host.call(name, data))}`);
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error), true);
    }
  }

  #tell(text: string, isError = false): void {
    setText(this.#result, text);
    show(this.#result, text !== "");
    this.#result.classList.toggle("pg-error", isError);
    if (text) this.#result.scrollIntoView({ block: "nearest" }); // on a small page it is below
  }
}

/** A field for the name of a method or a route. */
function nameInput(
  placeholder: string,
  label: string,
  list: string | null = null,
): HTMLInputElement {
  return h("input", {
    class: "pg-method",
    placeholder,
    "aria-label": label,
    list,
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "off",
  });
}
