/** Microphones, cameras and speakers. */

import { constraintsFor } from "./constraints";
import { FastRTCError } from "./errors";
import { deviceError, deviceNames } from "./sentences";
import type { Device, DeviceChoice, DeviceList, Kind, Modality, TrackConstraints } from "./types";

/**
 * Ask the user for devices.
 *
 * @throws FastRTCError when there are none, or they may not be used.
 */
export async function openDevices(
  kinds: Kind[],
  modality: Modality,
  constraints?: TrackConstraints | null,
  chosen?: DeviceChoice,
): Promise<MediaStream> {
  const devices = mediaDevices();
  if (!devices) {
    throw new FastRTCError(
      "insecure_page",
      `A page may use the ${deviceNames(kinds)} only over https, or from this very machine (http://127.0.0.1).`,
    );
  }
  const wanted = kinds.map((kind) => [kind, constraintsFor(kind, constraints, modality, chosen)]);
  try {
    return await devices.getUserMedia(Object.fromEntries(wanted) as MediaStreamConstraints);
  } catch (error) {
    throw deviceError(error, kinds);
  }
}

/** List the devices; labels are empty until the user has given a permission. */
export async function listDevices(): Promise<DeviceList> {
  const list: DeviceList = { microphones: [], cameras: [], speakers: [] };
  const all = {
    audioinput: list.microphones,
    videoinput: list.cameras,
    audiooutput: list.speakers,
  };
  for (const { kind, deviceId, label } of (await mediaDevices()?.enumerateDevices()) ?? []) {
    // Before the permission, browsers show one device of each kind, without a name.
    if (deviceId) all[kind].push({ id: deviceId, label } satisfies Device);
  }
  return list;
}

/** Be told when a device is plugged in or out; gives the function that ends it. */
export function watchDevices(listener: () => void): () => void {
  const devices = mediaDevices();
  devices?.addEventListener("devicechange", listener);
  return () => devices?.removeEventListener("devicechange", listener);
}

/** Whether this browser lets a page choose the speaker. */
export function canChooseSpeaker(): boolean {
  return typeof HTMLMediaElement !== "undefined" && "setSinkId" in HTMLMediaElement.prototype;
}

/** Whether this browser has a list of its own to choose a speaker from: Firefox. */
export function canAskForSpeaker(): boolean {
  return selector() !== undefined;
}

/** Have the user choose a speaker, which is listed from then on; call it from a click. Null: none. */
export async function askForSpeaker(): Promise<string | null> {
  try {
    return (await selector()?.selectAudioOutput())?.deviceId ?? null;
  } catch {
    return null; // the user has closed the browser's list
  }
}

/** Play an element on a speaker; "" is the default one. False where the browser cannot. */
export async function setSpeaker(element: HTMLMediaElement, id: string): Promise<boolean> {
  if (!canChooseSpeaker()) return false;
  try {
    await element.setSinkId(id);
    return true;
  } catch {
    return false; // it was unplugged, or the user has not allowed it
  }
}

/** TypeScript does not know it yet. */
type SpeakerSelector = MediaDevices & { selectAudioOutput(): Promise<MediaDeviceInfo> };

function selector(): SpeakerSelector | undefined {
  const devices = mediaDevices();
  return devices && "selectAudioOutput" in devices ? (devices as SpeakerSelector) : undefined;
}

/** Absent on pages over plain http, and outside a browser. */
function mediaDevices(): MediaDevices | undefined {
  return typeof navigator === "undefined" ? undefined : navigator.mediaDevices;
}
