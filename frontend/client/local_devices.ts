/** The devices of a running connection: opened, exchanged, and replaced when they are lost. */

import { kindsOf } from "./constraints";
import { type FastRTCError, toFastRTCError } from "./errors";
import { LocalMedia, lostDevice } from "./local_media";
import type { ConnectionOptions, DeviceChoice, Kind, MuteState } from "./types";

/** The connection that sends them. */
export interface DevicesHost {
  /** Aborted when the connection is over. */
  readonly signal: AbortSignal;
  /** Returns which tracks are silent. */
  silenced: () => MuteState;
  /** Called with the stream when its tracks have changed; sends the track, if there is one. */
  changed: (stream: MediaStream, track: MediaStreamTrack | null) => Promise<void>;
  /** Called when other devices are used. */
  chosen: (change: DeviceChoice) => void;
  /** Called with problems that do not end the connection. */
  notice: (notice: FastRTCError) => void;
  /** Called when a device is lost and none replaces it. */
  failed: (error: FastRTCError) => void;
}

/** Opens devices one at a time. */
export class LocalDevices {
  media: LocalMedia | null = null;
  #turns: Promise<unknown> = Promise.resolve();
  readonly #options: ConnectionOptions;
  readonly #host: DevicesHost;

  /**
   * @param options The options of the connection; `devices` may change.
   * @param silent Whether to request each device only when its track is unmuted.
   */
  constructor(
    options: ConnectionOptions,
    readonly silent: boolean,
    host: DevicesHost,
  ) {
    this.#options = options;
    this.#host = host;
  }

  /** Request the devices; none if it is silent. */
  async begin(): Promise<void> {
    const { modality = "audio" } = this.#options;
    const lost = (kind: Kind) => void this.#replaceLost(kind);
    if (this.silent) {
      this.media = LocalMedia.empty(this.#options, lost);
      return;
    }
    await this.#inTurn(async () => {
      const media = await LocalMedia.open(kindsOf(modality), this.#options, lost);
      if (this.#host.signal.aborted) {
        media.close();
        return;
      }
      this.media = media;
      await this.#changed(media, null);
    });
  }

  /** Start or stop sending silence and black frames. */
  mute(): void {
    this.media?.mute(this.#host.silenced());
  }

  /** Whether it sends no track of a kind because it was started silent. */
  lacks(kind: Kind): boolean {
    return this.silent && this.media?.has(kind) === false;
  }

  /** Request the missing device of a kind; continues without one if there is none. */
  async open(kind: Kind): Promise<void> {
    try {
      await this.#inTurn(async () => {
        if (this.lacks(kind)) await this.#use(kind, {});
      });
    } catch (error) {
      if (!this.#host.signal.aborted) this.#host.notice(toFastRTCError(error));
    }
  }

  /** Switch to another device for a kind of track. */
  exchange(kind: Kind, change: DeviceChoice): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.media?.has(kind)) {
        this.#choose(change);
        return;
      }
      try {
        await this.#use(kind, change);
      } catch (error) {
        if (!this.media.isOpen(kind)) await this.#goBack(kind);
        throw error;
      }
    });
  }

  /** Release the devices. */
  close(): void {
    this.media?.close();
  }

  /** Run device operations one at a time. */
  #inTurn(action: () => Promise<void>): Promise<void> {
    const mine = this.#turns.then(action);
    this.#turns = mine.catch(() => undefined);
    return mine;
  }

  /** Open another device and send its track; without a change, reopen the same device. */
  async #use(kind: Kind, change: DeviceChoice): Promise<void> {
    const { signal } = this.#host;
    if (this.media && !signal.aborted) {
      const wanted = { ...this.#options, devices: { ...this.#options.devices, ...change } };
      const track = await this.media.exchange(kind, wanted, signal);
      if (track) await this.#changed(this.media, track);
    }
    this.#choose(change);
  }

  #choose(change: DeviceChoice): void {
    this.#options.devices = { ...this.#options.devices, ...change };
    this.#host.chosen(change);
  }

  async #changed(media: LocalMedia, track: MediaStreamTrack | null): Promise<void> {
    this.mute();
    await this.#host.changed(media.stream, track);
  }

  /** Reopen a device that was closed for another one that cannot be opened, or end. */
  async #goBack(kind: Kind): Promise<void> {
    try {
      await this.#use(kind, {});
    } catch {
      this.#host.failed(lostDevice(kind, false));
    }
  }

  /** Replace an unplugged device by the default one, or end. */
  async #replaceLost(kind: Kind): Promise<void> {
    const choice = kind === "audio" ? { microphoneId: null } : { cameraId: null };
    try {
      await this.#inTurn(() => this.#use(kind, choice));
      if (!this.#host.signal.aborted) this.#host.notice(lostDevice(kind, true));
    } catch {
      this.#host.failed(lostDevice(kind, false));
    }
  }
}
