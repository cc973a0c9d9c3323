/** Microphones, cameras and speakers. */

import { constraintsFor } from "./constraints";
import { fromEnvironment } from "./environment";
import { FastRTCError } from "./errors";
import { deviceError, deviceNames } from "./sentences";
import type { ConnectionOptions, Device, DeviceList, Environment, Kind } from "./types";

/** Which devices to open. */
export type Wanted = Pick<
  ConnectionOptions,
  "modality" | "trackConstraints" | "devices" | "environment"
>;

/**
 * Ask the user for devices.
 *
 * @throws FastRTCError when there are none, or access is denied.
 */
export async function openDevices(kinds: Kind[], wanted: Wanted): Promise<MediaStream> {
  const devices = fromEnvironment(wanted.environment, "mediaDevices");
  if (!devices) {
    throw new FastRTCError(
      "insecure_page",
      `A page may use the ${deviceNames(kinds)} only over https, or on this machine (http://127.0.0.1).`,
    );
  }
  const { trackConstraints, modality = "audio", devices: chosen } = wanted;
  const constraints = kinds.map((kind) => [
    kind,
    constraintsFor(kind, trackConstraints, modality, chosen),
  ]);
  try {
    return await devices.getUserMedia(Object.fromEntries(constraints) as MediaStreamConstraints);
  } catch (error) {
    throw deviceError(error, kinds);
  }
}

/** List the devices; labels are empty until the user has granted permission. */
export async function listDevices(environment?: Environment): Promise<DeviceList> {
  const list: DeviceList = { microphones: [], cameras: [], speakers: [] };
  const all = {
    audioinput: list.microphones,
    videoinput: list.cameras,
    audiooutput: list.speakers,
  };
  const devices = fromEnvironment(environment, "mediaDevices");
  for (const { kind, deviceId, label } of (await devices?.enumerateDevices()) ?? []) {
    // Before permission is granted, browsers list one device of each kind, without a name.
    if (deviceId) all[kind].push({ id: deviceId, label } satisfies Device);
  }
  return list;
}

/** Call a listener when a device is plugged in or out; returns a function that removes it. */
export function watchDevices(listener: () => void, environment?: Environment): () => void {
  const devices = fromEnvironment(environment, "mediaDevices");
  devices?.addEventListener("devicechange", listener);
  return () => devices?.removeEventListener("devicechange", listener);
}

/** Whether this browser lets a page select the speaker. */
export function canChooseSpeaker(): boolean {
  return typeof HTMLMediaElement !== "undefined" && "setSinkId" in HTMLMediaElement.prototype;
}

/** Whether this browser has its own speaker selection dialog, as Firefox does. */
export function canAskForSpeaker(): boolean {
  return selector() !== undefined;
}

/** Let the user select a speaker, which is then listed; null if none. Call it from a click. */
export async function askForSpeaker(): Promise<string | null> {
  try {
    return (await selector()?.selectAudioOutput())?.deviceId ?? null;
  } catch {
    return null; // the user closed the browser's dialog
  }
}

/** Play an element on a speaker; "" is the default. False if the browser cannot. */
export async function setSpeaker(element: HTMLMediaElement, id: string): Promise<boolean> {
  if (!canChooseSpeaker()) return false;
  try {
    await element.setSinkId(id);
    return true;
  } catch {
    return false; // it was unplugged, or the user did not allow it
  }
}

/** Missing from TypeScript's types. */
type SpeakerSelector = MediaDevices & { selectAudioOutput(): Promise<MediaDeviceInfo> };

function selector(): SpeakerSelector | undefined {
  const devices = fromEnvironment(undefined, "mediaDevices");
  return devices && "selectAudioOutput" in devices ? (devices as SpeakerSelector) : undefined;
}
