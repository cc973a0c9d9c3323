/** The row of buttons: the main button and the round ones beside it. */

import { h, setAttribute, setText, show } from "./dom";
import { icon, setIcon, type IconName } from "./icons";
import type { Layout } from "./layout";
import type { ButtonLabels } from "./props";
import type { Status } from "./status";

/** The actions of the buttons. */
export interface BarActions {
  main: () => void;
  microphone: () => void;
  camera: () => void;
  speaker: () => void;
  devices: () => void;
  captions: () => void;
  details: () => void;
  fullScreen: () => void;
}

/** The state of the buttons, in addition to the status. */
export interface BarState {
  /** Whether there is a button to talk, so that none mutes the microphone. */
  manual: boolean;
  microphoneMuted: boolean;
  cameraMuted: boolean;
  speakerMuted: boolean;
  /** Whether captions are shown; null if there are none. */
  captions: boolean | null;
  /** The open drawer. */
  drawer: "devices" | "details" | null;
  /** Whether there is a device to select. */
  hasChoice: boolean;
  fullScreen: boolean;
}

/** Create a round button with an icon and a name. */
interface RoundButton {
  root: HTMLButtonElement;
  picture: SVGSVGElement;
}

/** The row of buttons. */
export class Bar {
  readonly root: HTMLElement;
  readonly main: HTMLButtonElement;
  readonly #mainIcon = icon("start");
  readonly #mainLabel = h("span", { class: "frtc-label" });
  readonly #microphone: RoundButton | null;
  readonly #camera: RoundButton | null;
  readonly #speaker: RoundButton | null;
  readonly #devices: RoundButton | null;
  readonly #captions: RoundButton;
  readonly #details: RoundButton;
  readonly #fullScreen: RoundButton | null;

  constructor(layout: Layout, actions: BarActions, drawers: { devices: string; details: string }) {
    const { microphone, camera, speaker, picture } = layout;
    this.main = h(
      "button",
      { class: "frtc-main", type: "button" },
      h("span", { class: "frtc-glyph" }, this.#mainIcon),
      this.#mainLabel,
    );
    this.main.addEventListener("click", actions.main);
    this.#microphone = microphone ? round("microphone", actions.microphone) : null;
    this.#camera = camera ? round("camera", actions.camera) : null;
    this.#speaker = speaker ? round("speaker", actions.speaker) : null;
    this.#devices =
      microphone || camera || speaker ? round("devices", actions.devices, drawers.devices) : null;
    this.#captions = round("captions", actions.captions);
    this.#captions.root.classList.add("frtc-cc");
    this.#details = round("details", actions.details, drawers.details);
    this.#fullScreen =
      picture && document.fullscreenEnabled ? round("expand", actions.fullScreen) : null;
    this.root = h(
      "div",
      { class: "frtc-bar", role: "group", "aria-label": "Controls" },
      this.main,
      side(this.#microphone, this.#camera, this.#speaker),
      side(this.#devices, this.#captions, this.#details, this.#fullScreen),
    );
  }

  /** Update the status. */
  show(status: Status, labels: ButtonLabels): void {
    const { button } = status;
    this.main.dataset["does"] = button;
    setIcon(this.#mainIcon, button === "start" ? "start" : button === "stop" ? "stop" : "close");
    setText(this.#mainLabel, labels[button]);
    setAttribute(this.main, "data-words", Object.values(labels).join("\n"));
    const hint = button === "waiting" && labels.waiting !== "Cancel";
    setAttribute(this.main, "aria-label", hint ? `${labels.waiting}: press to cancel` : null);
    setAttribute(this.main, "title", button === "waiting" ? "Cancel" : null);
  }

  /** Update the state of the round buttons. */
  follow(state: BarState): void {
    toggle(this.#microphone, state.microphoneMuted, "microphone", "microphoneOff", [
      "Mute microphone",
      "Unmute microphone",
    ]);
    toggle(this.#camera, state.cameraMuted, "camera", "cameraOff", [
      "Turn camera off",
      "Turn camera on",
    ]);
    toggle(this.#speaker, state.speakerMuted, "speaker", "speakerOff", [
      "Mute speaker",
      "Unmute speaker",
    ]);
    show(this.#captions.root, state.captions !== null);
    setIcon(this.#captions.picture, state.captions === false ? "captionsOff" : "captions");
    name(this.#captions.root, state.captions === false ? "Show captions" : "Hide captions");
    if (this.#microphone) show(this.#microphone.root, !state.manual);
    if (this.#devices) show(this.#devices.root, state.hasChoice);
    unfold(this.#devices, state.drawer === "devices", "Choose devices");
    unfold(this.#details, state.drawer === "details", "Connection details");
    if (this.#fullScreen) {
      setIcon(this.#fullScreen.picture, state.fullScreen ? "shrink" : "expand");
      name(this.#fullScreen.root, state.fullScreen ? "Leave full screen" : "Full screen");
    }
  }

  /** Focus the button of a drawer. */
  focus(drawer: "devices" | "details"): void {
    (drawer === "devices" ? this.#devices : this.#details)?.root.focus();
  }
}

function round(shape: IconName, press: () => void, controls?: string): RoundButton {
  const picture = icon(shape);
  const root = h(
    "button",
    { class: "frtc-round", type: "button", "aria-controls": controls },
    picture,
  );
  root.addEventListener("click", press);
  return { root, picture };
}

function side(...buttons: (RoundButton | null)[]): HTMLElement {
  const group = h("div", { class: "frtc-side" }, ...buttons.map((button) => button && button.root));
  show(group, group.childElementCount > 0);
  return group;
}

function toggle(
  button: RoundButton | null,
  off: boolean,
  onIcon: IconName,
  offIcon: IconName,
  [whenOn, whenOff]: [string, string],
): void {
  if (!button) return;
  setIcon(button.picture, off ? offIcon : onIcon);
  button.root.classList.toggle("frtc-off", off);
  name(button.root, off ? whenOff : whenOn);
}

function unfold(button: RoundButton | null, open: boolean, label: string): void {
  if (!button) return;
  setAttribute(button.root, "aria-expanded", String(open));
  name(button.root, label);
}

function name(button: HTMLButtonElement, label: string): void {
  setAttribute(button, "aria-label", label);
  setAttribute(button, "title", label);
}
