/** Validation of the parameters from Gradio. */

import type { Modality, Mode } from "@fastrtc/client";

/** The host of the view: Gradio, through one of the adapters. */
export interface Host {
  /** The current parameters of `WebRTC(...)`, including `value` and `server`. */
  props(): Record<string, unknown>;
  /** Dispatch an event of the component; "error", "warning" and "info" show a toast. */
  dispatch(event: string, detail?: unknown): void;
  /** Set the value of the component. */
  setValue(value: StreamValue): void;
}

/** The value of the component: the connection id; with the text box, also its text. */
export type StreamValue = string | { webrtc_id: string; textbox: string } | null;

/** The functions of the Python component that the page may call. */
export interface Server {
  offer(body: Record<string, unknown>): Promise<unknown>;
  turn(body: Record<string, unknown>): Promise<unknown>;
  websocket(body: Record<string, unknown>): Promise<unknown>;
  quit_output_stream(body: { webrtc_id: string }): Promise<unknown>;
}

/** The labels of the main button. */
export interface ButtonLabels {
  start: string;
  stop: string;
  waiting: string;
}

/** The parameters of the component, with valid values. */
export interface ViewProps {
  value: unknown;
  label: string;
  showLabel: boolean;
  container: boolean;
  /** Size of the stage. */
  height: string | null;
  width: string | null;
  minWidth: string | null;
  scale: number | null;
  visible: boolean;
  elementId: string;
  elementClasses: string[];
  mode: Mode;
  modality: Modality;
  variant: "wave" | "textbox";
  fullScreen: boolean;
  mirror: boolean;
  icon: string | null;
  iconButtonColor: string | null;
  pulseColor: string | null;
  iconRadius: string | null;
  buttonLabels: ButtonLabels;
  /** The name of the other participant. */
  assistantName: string;
  rtcConfiguration: RTCConfiguration | null;
  trackConstraints: Record<string, unknown> | null;
  rtpParams: Record<string, unknown> | null;
  /** What the host of the view tells the program about this page. */
  metadata: Record<string, unknown> | null;
  server: Partial<Server>;
}

/** The value with which Python starts a receiving component. */
export const START_SIGNAL = "start_webrtc_stream";

/** The default label while connecting: the status says what it waits for. */
const LABELS: ButtonLabels = { start: "Start", stop: "Stop", waiting: "Cancel" };
const DEFAULT_LABEL: Record<Modality, string> = {
  audio: "Audio stream",
  video: "Video stream",
  "audio-video": "Audio and video stream",
};

/** Parse the parameters; missing and invalid ones get their defaults. */
export function readProps(raw: Record<string, unknown>): ViewProps {
  const modality = oneOf(raw["modality"], ["video", "audio", "audio-video"]);
  return {
    value: raw["value"] ?? null,
    label: text(raw["label"]) ?? DEFAULT_LABEL[modality],
    showLabel: raw["show_label"] !== false,
    container: raw["container"] !== false,
    height: size(raw["height"]),
    width: size(raw["width"]),
    minWidth: size(raw["min_width"]),
    scale: typeof raw["scale"] === "number" ? raw["scale"] : null,
    visible: raw["visible"] !== false && raw["visible"] !== "hidden",
    elementId: text(raw["elem_id"]) ?? "",
    elementClasses: classes(raw["elem_classes"]),
    mode: oneOf(raw["mode"], ["send-receive", "send", "receive"]),
    modality,
    variant: oneOf(raw["variant"], ["wave", "textbox"]),
    fullScreen: raw["full_screen"] !== false,
    mirror: raw["mirror_webcam"] !== false,
    icon: pictureAddress(raw["icon"]),
    iconButtonColor: text(raw["icon_button_color"]),
    pulseColor: text(raw["pulse_color"]),
    iconRadius: size(raw["icon_radius"], "%"),
    buttonLabels: { ...LABELS, ...labels(raw["button_labels"]) },
    assistantName: text(raw["assistant_name"]) ?? "Assistant",
    rtcConfiguration: dictionary(raw["rtc_configuration"]),
    trackConstraints: dictionary(raw["track_constraints"]),
    rtpParams: dictionary(raw["rtp_params"]),
    metadata: dictionary(raw["metadata"]),
    server: dictionary(raw["server"]) ?? {},
  };
}

function oneOf<Word extends string>(value: unknown, words: [Word, ...Word[]]): Word {
  return words.find((word) => word === value) ?? words[0];
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function dictionary(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null ? { ...value } : null;
}

/** Convert a size to CSS; a string may be any CSS length. */
function size(value: unknown, unitOfNumbers = "px"): string | null {
  return typeof value === "number" ? `${value}${unitOfNumbers}` : text(value);
}

function classes(value: unknown): string[] {
  const all: unknown[] = Array.isArray(value) ? value : [value];
  return all.flatMap((one) => (typeof one === "string" ? one.split(/\s+/) : [])).filter(Boolean);
}

function labels(value: unknown): Partial<ButtonLabels> {
  const given = dictionary(value) ?? {};
  return Object.fromEntries(
    Object.keys(LABELS).flatMap((key) => (text(given[key]) ? [[key, given[key]]] : [])),
  );
}

/** Return an address for `<img>`, from an address, a file served by Gradio, or SVG source. */
function pictureAddress(value: unknown): string | null {
  const address = text(value) ?? text(dictionary(value)?.["url"]);
  if (address === null) return null;
  const isMarkup = address.trimStart().startsWith("<");
  return isMarkup ? `data:image/svg+xml,${encodeURIComponent(address.trim())}` : address;
}
