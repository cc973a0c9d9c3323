/** What the user has set, and the options of a connection that follow. No elements. */

import type { ConnectionOptions, Modality, Mode, TransportChoice } from "@fastrtc/client";
import { readObject } from "./json_input";
import type { Target } from "./target";

/** The settings; "detect" follows what is known about the stream. */
export interface Settings {
  transport: TransportChoice;
  modality: Modality | "detect";
  mode: Mode | "detect";
  /** Never stored. */
  token: string;
  /** JSON objects, or empty. */
  metadata: string;
  iceServers: string;
  pushToTalk: boolean;
  /** The route for inputs, and a JSON object; empty for none. */
  inputRoute: string;
  inputs: string;
  microphoneId: string;
  cameraId: string;
  speakerId: string;
}

/** The settings of a new page. */
export const DEFAULTS: Settings = {
  transport: "auto",
  modality: "detect",
  mode: "detect",
  token: "",
  metadata: "",
  iceServers: "",
  pushToTalk: false,
  inputRoute: "",
  inputs: "",
  microphoneId: "",
  cameraId: "",
  speakerId: "",
};

const WORDS: Partial<Record<keyof Settings, readonly string[]>> = {
  transport: ["auto", "webrtc", "websocket"],
  modality: ["detect", "audio", "video", "audio-video"],
  mode: ["detect", "send-receive", "send", "receive"],
};

/** Where the settings for a stream are stored. */
export function storageKey(target: Target): string {
  return `fastrtc-playground ${target.url}`;
}

/** Return the settings as they are stored. */
export function writeSettings(settings: Settings): string {
  return JSON.stringify({ ...settings, token: "" });
}

/** Read stored settings; what is missing or invalid has its default. */
export function readSettings(stored: string | null, target: Target): Settings {
  let found: unknown = null;
  try {
    found = JSON.parse(stored ?? "null");
  } catch {
    // as if there were none
  }
  const settings = { ...DEFAULTS };
  if (typeof found === "object" && found !== null) {
    for (const [name, value] of Object.entries(found)) {
      if (!(name in DEFAULTS) || name === "token") continue;
      const key = name as keyof Settings;
      if (typeof value !== typeof DEFAULTS[key]) continue;
      if (WORDS[key]?.includes(String(value)) === false) continue;
      Object.assign(settings, { [key]: value as unknown });
    }
  }
  const { modality, mode, transport } = target.chosen;
  return {
    ...settings,
    ...(modality && { modality }),
    ...(mode && { mode }),
    ...(transport && { transport }),
  };
}

/** What the media of a connection will be. */
export interface Media {
  modality: Modality;
  mode: Mode;
  /** Whether nothing is known about them, so that they are the most common ones. */
  assumed: boolean;
}

/** Return the media of the next connection. */
export function mediaOf(settings: Settings, target: Target): Media {
  const { found } = target;
  const modality = settings.modality === "detect" ? found.modality : settings.modality;
  const mode = settings.mode === "detect" ? found.mode : settings.mode;
  return {
    modality: modality ?? "audio",
    mode: mode ?? "send-receive",
    assumed: modality === null || mode === null,
  };
}

/** A setting that cannot be used, and why. */
export type SettingErrors = Partial<Record<"metadata" | "iceServers", string>>;

/** Check what is typed. */
export function checkSettings({ metadata, iceServers }: Settings): SettingErrors {
  const errors: SettingErrors = {};
  const typed = readObject(metadata);
  if ("error" in typed) errors.metadata = typed.error;
  const servers = readIceServers(iceServers);
  if ("error" in servers) errors.iceServers = servers.error;
  return errors;
}

/** Return the options of the next connection; invalid settings count as empty. */
export function optionsOf(settings: Settings, target: Target): ConnectionOptions {
  const { modality, mode } = mediaOf(settings, target);
  const metadata = readObject(settings.metadata);
  return {
    modality,
    mode,
    // A WebSocket carries no video.
    transport: modality === "audio" ? settings.transport : "webrtc",
    metadata: "value" in metadata ? metadata.value : null,
    token: settings.token.trim() || null,
    devices: {
      microphoneId: settings.microphoneId || null,
      cameraId: settings.cameraId || null,
    },
    ...(settings.pushToTalk && { turnDetection: "manual" as const }),
  };
}

/** Return the typed ICE servers; null if there are none. */
export function iceServersOf({ iceServers }: Settings): RTCConfiguration | null {
  const read = readIceServers(iceServers);
  return "value" in read ? read.value : null;
}

function readIceServers(typed: string): { value: RTCConfiguration | null } | { error: string } {
  if (!typed.trim()) return { value: null };
  let parsed: unknown;
  try {
    parsed = JSON.parse(typed);
  } catch {
    return { error: "This is not JSON." };
  }
  const servers: unknown = Array.isArray(parsed)
    ? parsed
    : (parsed as { iceServers?: unknown } | null)?.iceServers;
  const isServer = (one: unknown): boolean =>
    typeof one === "object" && one !== null && "urls" in one;
  if (!Array.isArray(servers) || !servers.every(isServer)) {
    return { error: 'A list of objects with "urls" is needed.' };
  }
  const rest = Array.isArray(parsed) ? {} : (parsed as RTCConfiguration);
  return { value: { ...rest, iceServers: servers as RTCIceServer[] } };
}
