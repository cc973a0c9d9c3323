/** The panel of the settings. */

import type { Mode, Modality, TransportChoice } from "@fastrtc/client";
import { h, setText, show } from "../view/dom";
import { Field, fillSelect, panel, Segments } from "./parts";
import { checkSettings, mediaOf, type Settings } from "./settings";
import type { Target } from "./target";

const MEDIA: Record<Modality, string> = {
  audio: "Audio",
  video: "Video",
  "audio-video": "Audio and video",
};

const MODES: Record<Mode, string> = {
  "send-receive": "Send and receive",
  send: "Send only",
  receive: "Receive only",
};

/** The page's interface for the panel. */
export interface SetupHost {
  settings(): Settings;
  target(): Target;
  change: (change: Partial<Settings>) => void;
  /** Stop, and start with the settings as they are. */
  restart: () => void;
}

/** Transport, media, token, metadata, and what is rarely needed. */
export class SetupPanel {
  readonly root: HTMLElement;
  readonly #transport: Segments<TransportChoice>;
  readonly #modality = h("select", {});
  readonly #mode = h("select", {});
  readonly #token = h("input", {
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "None",
  });
  readonly #metadata = typed('{"user": "Ada"}', 2);
  readonly #ice = typed('[{"urls": "stun:…"}]', 3);
  readonly #talk = h("input", { type: "checkbox" });
  readonly #fields: Record<"transport" | "modality" | "mode" | "token" | "metadata" | "ice", Field>;
  readonly #again = h("button", { class: "pg-plain", type: "button" }, "Restart to apply");
  readonly #later = h("p", { class: "pg-later", hidden: true }, this.#again);

  constructor(private readonly host: SetupHost) {
    const { change } = host;
    this.#transport = new Segments<TransportChoice>(
      [
        ["auto", "Auto"],
        ["webrtc", "WebRTC"],
        ["websocket", "WebSocket"],
      ],
      (transport) => {
        change({ transport });
      },
    );
    this.#modality.addEventListener("change", () => {
      change({ modality: this.#modality.value as Settings["modality"] });
    });
    this.#mode.addEventListener("change", () => {
      change({ mode: this.#mode.value as Settings["mode"] });
    });
    this.#token.addEventListener("input", () => {
      change({ token: this.#token.value });
    });
    this.#metadata.addEventListener("input", () => {
      change({ metadata: this.#metadata.value });
    });
    this.#ice.addEventListener("input", () => {
      change({ iceServers: this.#ice.value });
    });
    this.#talk.addEventListener("change", () => {
      change({ pushToTalk: this.#talk.checked });
    });
    this.#again.addEventListener("click", host.restart);
    this.#fields = {
      transport: new Field("Transport", this.#transport.root),
      modality: new Field("Media", this.#modality),
      mode: new Field("Direction", this.#mode),
      token: new Field("Token", this.#token),
      metadata: new Field("Metadata", this.#metadata),
      ice: new Field("ICE servers", this.#ice),
    };
    const fields = this.#fields;
    // Browsers want passwords in a form.
    const form = h(
      "form",
      { class: "pg-body", novalidate: true },
      fields.transport.root,
      fields.modality.root,
      fields.mode.root,
      h("label", { class: "pg-check" }, this.#talk, h("span", {}, "Push to talk")),
      fields.token.root,
      fields.metadata.root,
      fields.ice.root,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
    });
    this.root = panel("setup", "Setup", [this.#later], form);
    const { token, metadata, iceServers } = host.settings();
    this.#token.value = token;
    this.#metadata.value = metadata;
    this.#ice.value = iceServers;
  }

  /** Update it; `stale` is whether the running connection has other settings. */
  follow(stale: boolean): void {
    const settings = this.host.settings();
    const target = this.host.target();
    const { found } = target;
    const media = mediaOf(settings, target);
    const audio = media.modality === "audio";
    this.#transport.follow(
      audio ? settings.transport : "webrtc",
      (one) => audio || one === "webrtc",
    );
    this.#fields.transport.note(audio ? "" : "A WebSocket carries no video.");
    fillSelect(
      this.#modality,
      [["detect", detected(found.modality && MEDIA[found.modality])], ...Object.entries(MEDIA)],
      settings.modality,
    );
    fillSelect(
      this.#mode,
      [["detect", detected(found.mode && MODES[found.mode])], ...Object.entries(MODES)],
      settings.mode,
    );
    const unknown = media.assumed && target.problem === null;
    this.#fields.modality.note(unknown ? `This server does not say. ${assumed(media)}` : "");
    this.#fields.token.note(target.hasToken ? "--token is sent unless you enter another one." : "");
    this.#talk.checked = settings.pushToTalk;
    const errors = checkSettings(settings);
    this.#fields.metadata.note(errors.metadata ?? "", errors.metadata !== undefined);
    this.#fields.ice.note(errors.iceServers ?? "", errors.iceServers !== undefined);
    show(this.#later, stale);
    setText(this.#again, "Restart to apply");
  }
}

function detected(name: string | null): string {
  return name === null ? "Detect" : `Detected: ${name.toLowerCase()}`;
}

function assumed({ modality, mode }: { modality: Modality; mode: Mode }): string {
  return `It is used with ${MEDIA[modality].toLowerCase()}, ${MODES[mode].toLowerCase()}.`;
}

function typed(placeholder: string, rows: number): HTMLTextAreaElement {
  return h("textarea", { rows, placeholder, spellcheck: "false", autocomplete: "off" });
}
