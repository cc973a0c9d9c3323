/** Constraints for the tracks of each kind. */

import type { DeviceChoice, Kind, Modality, TrackConstraints } from "./types";

const DEFAULTS: Record<Kind, MediaTrackConstraints> = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } },
};

/** Constraints for video only; the others in flat constraints for both kinds are for audio. */
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

/** Return the kinds of tracks of a modality. */
export function kindsOf(modality: Modality): Kind[] {
  return modality === "audio-video" ? ["audio", "video"] : [modality];
}

/**
 * Return the constraints for one kind.
 *
 * @param kind The kind of the track.
 * @param given Flat, or nested by kind; undefined for the defaults.
 * @param modality For "audio-video", flat constraints are assigned by name.
 * @param devices The selected devices, which override a `deviceId` in the constraints.
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
    if (kind === "video") delete constraints.facingMode; // it may contradict the selected device
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
