/** The microphone and the camera, while they are open. */

import { openDevices } from "./devices";
import { FastRTCError } from "./errors";
import { deviceNames } from "./sentences";
import type { ConnectionOptions, Kind, Modality, MuteState } from "./types";

type Wanted = Pick<ConnectionOptions, "trackConstraints" | "devices">;

/** What is sent: one track of each kind, any of which may be exchanged for another one. */
export class LocalMedia {
  private constructor(
    readonly stream: MediaStream,
    private readonly modality: Modality,
    private readonly lost: (kind: Kind) => void,
  ) {
    for (const track of stream.getTracks()) this.#watch(track);
  }

  /** Begin without any device: `exchange` opens them. */
  static empty(modality: Modality, lost: (kind: Kind) => void): LocalMedia {
    return new LocalMedia(new MediaStream(), modality, lost);
  }

  /**
   * Ask the user for the devices.
   *
   * @param lost Called when a device is unplugged or taken away.
   */
  static async open(
    kinds: Kind[],
    modality: Modality,
    wanted: Wanted,
    lost: (kind: Kind) => void,
  ): Promise<LocalMedia> {
    const stream = await openDevices(kinds, modality, wanted.trackConstraints, wanted.devices);
    return new LocalMedia(stream, modality, lost);
  }

  /**
   * Exchange the track of a kind; gives the new one.
   *
   * When that fails the old one stays, unless it had to be closed first: see `isOpen`.
   */
  async exchange(
    kind: Kind,
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<MediaStreamTrack | null> {
    const open = () => openDevices([kind], this.modality, wanted.trackConstraints, wanted.devices);
    const old = this.stream.getTracks().find((one) => one.kind === kind);
    const opened = await open().catch((error: unknown) => {
      // Many a phone opens one camera at a time.
      if (!(error instanceof FastRTCError) || error.code !== "device_in_use" || !old) throw error;
      release(old);
      return open();
    });
    const [track] = opened.getTracks();
    if (!track || signal.aborted) {
      opened.getTracks().forEach(release);
      return null;
    }
    if (old) {
      this.stream.removeTrack(old);
      release(old);
    }
    this.stream.addTrack(track);
    this.#watch(track);
    return track;
  }

  /** Whether there is a track of a kind, of a device that is open or was. */
  has(kind: Kind): boolean {
    return this.stream.getTracks().some((one) => one.kind === kind);
  }

  /** Whether there is a track of a kind that still gives something. */
  isOpen(kind: Kind): boolean {
    return this.stream.getTracks().some((one) => one.kind === kind && one.readyState === "live");
  }

  /** Send silence and black, or no longer. */
  mute(muted: MuteState): void {
    for (const track of this.stream.getAudioTracks()) track.enabled = !muted.microphone;
    for (const track of this.stream.getVideoTracks()) track.enabled = !muted.camera;
  }

  /** Give the devices back. */
  close(): void {
    this.stream.getTracks().forEach(release);
  }

  #watch(track: MediaStreamTrack): void {
    track.onended = () => {
      this.lost(track.kind as Kind);
    };
  }
}

/** Say that a device has gone, and whether another one takes its place. */
export function lostDevice(kind: Kind, replaced: boolean): FastRTCError {
  const name = deviceNames([kind]);
  const sentence = replaced
    ? `The ${name} was taken away or unplugged. Another one is used now.`
    : `The ${name} was taken away or unplugged. Plug it in and start again.`;
  return new FastRTCError("device_lost", sentence, { kind });
}

function release(track: MediaStreamTrack): void {
  track.onended = null;
  track.stop();
}
