/** The life of a connection as Gradio sees it: its value, its events, its toasts. */

import type { Connection, StateChange } from "../client";
import { START_SIGNAL, type Host, type StreamValue, type ViewProps } from "./props";

/** Tells the host what happens on a connection. */
export class Session {
  readonly #connection: Connection;
  #recording = false;
  /** The id that the server was last told to be in use. */
  #id: string | null = null;
  /** What was typed and not yet handed over with the inputs. */
  #typed = "";
  #restarting = false;
  #lastValue: unknown;

  constructor(
    connection: Connection,
    private readonly host: Host,
    private readonly props: () => ViewProps,
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
      host.dispatch("error", text);
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

  #follow({ state, id }: StateChange): void {
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
