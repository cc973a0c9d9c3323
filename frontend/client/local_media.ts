/** The open microphone and camera. */

import { openDevices, type Wanted } from "./devices";
import { makeStream } from "./environment";
import { FastRTCError } from "./errors";
import { deviceNames } from "./sentences";
import type { Kind, MuteState } from "./types";

/** The tracks to send: one of each kind, which can be replaced. */
export class LocalMedia {
  readonly #lost: (kind: Kind) => void;

  private constructor(
    readonly stream: MediaStream,
    lost: (kind: Kind) => void,
  ) {
    this.#lost = lost;
    for (const track of stream.getTracks()) this.#watch(track);
  }

  /** Start without any device: `exchange` opens them. */
  static empty({ environment }: Wanted, lost: (kind: Kind) => void): LocalMedia {
    return new LocalMedia(makeStream(environment), lost);
  }

  /**
   * Ask the user for the devices.
   *
   * @param lost Called when a device is unplugged or its access revoked.
   */
  static async open(
    kinds: Kind[],
    wanted: Wanted,
    lost: (kind: Kind) => void,
  ): Promise<LocalMedia> {
    return new LocalMedia(await openDevices(kinds, wanted), lost);
  }

  /**
   * Replace the track of a kind; returns the new one.
   *
   * On failure the old track stays, unless it had to be closed first: see `isOpen`.
   */
  async exchange(
    kind: Kind,
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<MediaStreamTrack | null> {
    const open = () => openDevices([kind], wanted);
    const old = this.stream.getTracks().find((one) => one.kind === kind);
    const opened = await open().catch((error: unknown) => {
      // Many phones open only one camera at a time.
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

  /** Whether there is a track of a kind, even if its device has been closed. */
  has(kind: Kind): boolean {
    return this.stream.getTracks().some((one) => one.kind === kind);
  }

  /** Whether there is a live track of a kind. */
  isOpen(kind: Kind): boolean {
    return this.stream.getTracks().some((one) => one.kind === kind && one.readyState === "live");
  }

  /** Start or stop sending silence and black frames. */
  mute(muted: MuteState): void {
    for (const track of this.stream.getAudioTracks()) track.enabled = !muted.microphone;
    for (const track of this.stream.getVideoTracks()) track.enabled = !muted.camera;
  }

  /** Release the devices. */
  close(): void {
    this.stream.getTracks().forEach(release);
  }

  #watch(track: MediaStreamTrack): void {
    track.onended = () => {
      this.#lost(track.kind as Kind);
    };
  }
}

/** Describe a lost device, and whether another one replaces it. */
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
