/** The connection's interface to Gradio: value, events, toasts. */

import type { Connection, StateChange } from "@fastrtc/client";
import { START_SIGNAL, type Host, type StreamValue, type ViewProps } from "./props";

/** How long to hold back an error in case the stream ends because of it, in ms. */
const HOLD = 500;

/** Reports the events of a connection to the host. */
export class Session {
  readonly #connection: Connection;
  #recording = false;
  /** The id last reported to the server as in use. */
  #id: string | null = null;
  /** Typed text that has not been sent with the inputs yet. */
  #typed = "";
  #restarting = false;
  /** Errors that will be shown. */
  readonly #held = new Map<string, ReturnType<typeof setTimeout>>();
  #lastValue: unknown;

  /** @param inPlace Shows an error of the server in the view; false if it cannot. */
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

  /** Update the value, with which Python can start a receiving component. */
  follow(value: unknown): void {
    if (JSON.stringify(value) === JSON.stringify(this.#lastValue)) return;
    this.#lastValue = value;
    // Gradio 5 is still setting the value; another one set now would be lost.
    if (value === START_SIGNAL) setTimeout(() => void this.restart());
    else this.host.dispatch("change");
  }

  /** Start, or restart if it is running. */
  async restart(): Promise<void> {
    if (this.#restarting) return;
    this.#restarting = true;
    this.#connection.stop();
    await this.#connection.start();
    this.#restarting = false;
  }

  /** Send typed text, starting the stream without a microphone if necessary; false on failure. */
  async submit(text: string): Promise<boolean> {
    const connection = this.#connection;
    // The inputs sent on connecting also contain the text, and may arrive after it.
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

  /** Show an error after a delay, unless the stream ends because of it and the view shows why. */
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
      this.#handOverInputs(); // also after a resume: they may have changed meanwhile
      if (!this.#recording) this.host.dispatch("start_recording");
      this.#recording = true;
    } else if (state === "stopped" || state === "failed") {
      this.#quit();
      if (this.#recording) this.host.dispatch("stop_recording");
      this.#recording = false;
      this.#typed = "";
    }
  }

  /** Dispatch "tick", on which Gradio reads the inputs of the page, including this value. */
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

  /** Stop waiting for additional outputs of a connection that has ended. */
  #quit(): void {
    if (this.#id === null) return;
    // The server also detects the end of the connection itself.
    this.props()
      .server.quit_output_stream?.({ webrtc_id: this.#id })
      .catch(() => undefined);
    this.#id = null;
  }
}
