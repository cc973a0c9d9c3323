/** The life of a connection as Gradio sees it: its value, its events, its toasts. */

import type { Connection, StateChange } from "../client";
import { START_SIGNAL, type Host, type StreamValue, type ViewProps } from "./props";

/** How long an error waits for the end of the stream, which then tells it, in ms. */
const HOLD = 500;

/** Tells the host what happens on a connection. */
export class Session {
  readonly #connection: Connection;
  #recording = false;
  /** The id that the server was last told to be in use. */
  #id: string | null = null;
  /** What was typed and not yet handed over with the inputs. */
  #typed = "";
  #restarting = false;
  /** Errors that are about to be shown. */
  readonly #held = new Map<string, ReturnType<typeof setTimeout>>();
  #lastValue: unknown;

  /** @param inPlace Shows an error of the server within the view; false where it cannot. */
  constructor(
    connection: Connection,
    private readonly host: Host,
    private readonly props: () => ViewProps,
    private readonly inPlace: (text: string) => boolean = () => false,
  ) {
    this.#connection = connection;
    this.#lastValue = props().value;
    connection.on("state", (change) => {
      this.#follow(change);
    });
    connection.on("send_input", () => {
      this.#handOverInputs();
    });
    connection.on("fetch_output", () => {
      host.dispatch("state_change");
    });
    connection.on("log", (text) => {
      if (text === "started_talking") this.#typed = "";
    });
    connection.on("error", (text) => {
      if (!this.inPlace(text)) this.#hold(text);
    });
    connection.on("warning", (text) => {
      host.dispatch("warning", text);
    });
    connection.on("notice", (notice) => {
      host.dispatch("warning", notice.sentence);
    });
  }

  /** Follows the value: Python starts a receiving component through it. */
  follow(value: unknown): void {
    if (JSON.stringify(value) === JSON.stringify(this.#lastValue)) return;
    this.#lastValue = value;
    // Gradio 5 is still at setting the value: one that is set meanwhile would be lost.
    if (value === START_SIGNAL) setTimeout(() => void this.restart());
    else this.host.dispatch("change");
  }

  /** Starts, or ends what runs and starts anew. */
  async restart(): Promise<void> {
    if (this.#restarting) return;
    this.#restarting = true;
    this.#connection.stop();
    await this.#connection.start();
    this.#restarting = false;
  }

  /** Sends what was typed, starting the stream without a microphone if need be; false if that fails. */
  async submit(text: string): Promise<boolean> {
    const connection = this.#connection;
    // What is handed over on connecting has the text, too: it may reach the server after it.
    if (connection.state !== "connected") this.#typed = text;
    const connected =
      connection.state === "connected" || (await connection.start({ silent: true }));
    const { id } = connection;
    if (!connected || id === null) return false;
    this.#typed = text;
    const value = { webrtc_id: id, textbox: text };
    this.#set(value);
    this.host.dispatch("submit", { value, is_value_data: true });
    return true;
  }

  /** Shows an error in a while, unless the stream ends because of it: the view says why. */
  #hold(text: string): void {
    clearTimeout(this.#held.get(text));
    const show = (): void => {
      this.#held.delete(text);
      this.host.dispatch("error", text);
    };
    this.#held.set(text, setTimeout(show, HOLD));
  }

  #follow({ state, id, error }: StateChange): void {
    for (const [text, timer] of this.#held) {
      if (!error?.sentence.includes(text)) continue;
      clearTimeout(timer);
      this.#held.delete(text);
    }
    if (id !== null && id !== this.#id && ["connecting", "connected"].includes(state)) {
      this.#quit();
      this.#id = id;
      this.#set(this.#valueOf(id, ""));
    }
    if (state === "connected") {
      this.#handOverInputs();
      if (!this.#recording) this.host.dispatch("start_recording");
      this.#recording = true;
    } else if (state === "stopped" || state === "failed") {
      this.#quit();
      if (this.#recording) this.host.dispatch("stop_recording");
      this.#recording = false;
      this.#typed = "";
    }
  }

  /** Gradio reads the inputs of the page when it hears "tick", this value among them. */
  #handOverInputs(): void {
    if (this.#connection.id === null) return;
    this.#set(this.#valueOf(this.#connection.id, this.#typed));
    this.#typed = "";
    this.host.dispatch("tick");
  }

  #valueOf(id: string, textbox: string): StreamValue {
    return this.props().variant === "textbox" ? { webrtc_id: id, textbox } : id;
  }

  #set(value: StreamValue): void {
    if (JSON.stringify(value) === JSON.stringify(this.#lastValue)) return;
    this.#lastValue = value;
    this.host.setValue(value);
    this.host.dispatch("change");
  }

  /** Ends the page's wait for additional outputs of a connection that is over. */
  #quit(): void {
    if (this.#id === null) return;
    // The server also notices by itself that the connection is gone.
    this.props()
      .server.quit_output_stream?.({ webrtc_id: this.#id })
      .catch(() => undefined);
    this.#id = null;
  }
}
