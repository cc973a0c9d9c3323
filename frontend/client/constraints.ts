/** Which constraints a track of each kind is asked for with. */

import type { DeviceChoice, Kind, Modality, TrackConstraints } from "./types";

const DEFAULTS: Record<Kind, MediaTrackConstraints> = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } },
};

/** What only pictures have; of flat constraints for both kinds, the rest goes to the sound. */
const OF_PICTURES = new Set([
  "width",
  "height",
  "aspectRatio",
  "frameRate",
  "facingMode",
  "resizeMode",
  "backgroundBlur",
]);
const OF_BOTH = new Set(["deviceId", "groupId", "advanced"]);

/** The kinds of tracks that a modality has. */
export function kindsOf(modality: Modality): Kind[] {
  return modality === "audio-video" ? ["audio", "video"] : [modality];
}

/**
 * Choose the constraints of one kind.
 *
 * @param kind Of the track.
 * @param given Flat, or nested by kind; nothing for the defaults.
 * @param modality Flat constraints of "audio-video" are dealt out by name.
 * @param devices The devices chosen; they win over a `deviceId` in the constraints.
 */
export function constraintsFor(
  kind: Kind,
  given: TrackConstraints | null | undefined,
  modality: Modality,
  devices: DeviceChoice = {},
): MediaTrackConstraints {
  const chosen = kind === "audio" ? devices.microphoneId : devices.cameraId;
  const constraints = { ...ofKind(kind, given, modality) };
  if (chosen) {
    constraints.deviceId = { exact: chosen };
    if (kind === "video") delete constraints.facingMode; // it may contradict the choice
  }
  return constraints;
}

function ofKind(
  kind: Kind,
  given: TrackConstraints | null | undefined,
  modality: Modality,
): MediaTrackConstraints {
  if (!given || !Object.keys(given).length) return DEFAULTS[kind];
  if ("audio" in given || "video" in given) {
    const nested = given[kind];
    return typeof nested === "object" ? nested : DEFAULTS[kind];
  }
  if (modality !== "audio-video") return given as MediaTrackConstraints;
  const mine = Object.entries(given).filter(
    ([name]) => OF_BOTH.has(name) || OF_PICTURES.has(name) === (kind === "video"),
  );
  return mine.length ? Object.fromEntries(mine) : DEFAULTS[kind];
}
