/** A connection to a stream. */

import { kindsOf } from "./constraints";
import type { ConversationSnapshot } from "./conversation";
import { Emitter } from "./emitter";
import type { FastRTCError } from "./errors";
import type { Meter } from "./levels";
import { Life } from "./life";
import type {
  ConnectionEvents,
  ConnectionOptions,
  ConnectionState,
  DeviceChoice,
  Kind,
  MuteState,
  StreamStats,
} from "./types";

const ACTIVE: ConnectionState[] = ["asking", "connecting", "connected", "reconnecting"];

/**
 * The connection between a page and a stream.
 *
 *     const connection = new Connection({ modality: "audio" });
 *     connection.on("remote", (stream) => { audio.srcObject = stream; });
 *     connection.on("state", ({ state, error }) => { status.textContent = error?.sentence ?? state; });
 *     await connection.start();
 */
export class Connection extends Emitter<ConnectionEvents> {
  /** What it is made with; changes count from the next `start()` on. */
  options: ConnectionOptions;
  #muted: MuteState = { microphone: false, camera: false };
  #life: Life | null = null;

  constructor(options: ConnectionOptions = {}) {
    super();
    this.options = options;
  }

  get state(): ConnectionState {
    return this.#life?.state ?? "idle";
  }

  /** Whether it is started and neither stopped nor failed. */
  get active(): boolean {
    return ACTIVE.includes(this.state);
  }

  /** The kinds of tracks that its modality has. */
  get kinds(): Kind[] {
    return kindsOf(this.options.modality ?? "audio");
  }

  /** Why it failed, or why the server ended it. */
  get error(): FastRTCError | null {
    return this.#life?.error ?? null;
  }

  /** The id that the server knows it by; the last one after the end. */
  get id(): string | null {
    return this.#life?.id ?? null;
  }

  /** What the devices give; null before they are open and after the end. */
  get localStream(): MediaStream | null {
    return this.active ? (this.#life?.media?.stream ?? null) : null;
  }

  /** What the server sends; null before it comes and after the end. */
  get remoteStream(): MediaStream | null {
    return this.active ? (this.#life?.remote ?? null) : null;
  }

  /** The browser's own peer connection, for what is not covered here. */
  get peer(): RTCPeerConnection | null {
    return this.#life?.link?.peer ?? null;
  }

  /** Meters of what is sent and received; null where there is no sound. */
  get levels(): { local: Meter | null; remote: Meter | null } {
    const levels = this.#life?.hearing.levels;
    return { local: levels?.local ?? null, remote: levels?.remote ?? null };
  }

  /** Where the conversation stands, and how long the last answer took. */
  get conversation(): ConversationSnapshot {
    return (
      this.#life?.hearing.snapshot ?? {
        state: "listening",
        latency: null,
        latencyFromSpeech: null,
      }
    );
  }

  /** Which local tracks are muted; kept over a reconnection and a new start. */
  get muted(): MuteState {
    const { microphone, camera } = this.#muted;
    return {
      microphone: microphone || this.#lacks("audio"),
      camera: camera || this.#lacks("video"),
    };
  }

  /**
   * Ask for the devices and connect.
   *
   * Resolves when it is connected (true) or the attempt is over (false); it never rejects: what
   * went wrong is in `error` and in the `state` event. Call it from a click: browsers
   * play sound only then. While it is active it does nothing.
   *
   * @param silent Whether it begins muted and asks for no device: each is asked for when it is
   *   unmuted. For those who type, and may never speak.
   */
  start({ silent = false } = {}): Promise<boolean> {
    if (this.active && this.#life) return this.#life.outcome;
    this.#life = new Life(
      { ...this.options },
      { ...this.#muted },
      silent,
      (name, detail) => {
        this.emit(name, detail);
      },
      (change) => {
        this.#keep(change);
      },
    );
    void this.#life.run();
    return this.#life.outcome;
  }

  /** End it and release everything; `start()` works again afterwards. */
  stop(): void {
    this.#life?.end("stopped", null);
  }

  /** Send a text or an object as JSON on the data channel; false while there is none. */
  send(message: unknown): boolean {
    if (!this.#life?.link?.send(JSON.stringify(message))) return false;
    this.emit("sent", message);
    return true;
  }

  /**
   * Use another microphone; while it streams the track is replaced without a new offer.
   *
   * @throws FastRTCError when it cannot be opened; the one before stays in use. If that had to be
   *   closed first and does not open again, the stream ends with "device_lost".
   */
  setMicrophone(id: string): Promise<void> {
    return this.#choose("audio", { microphoneId: id });
  }

  /**
   * Use another camera; while it streams the track is replaced without a new offer.
   *
   * @throws FastRTCError when it cannot be opened; the one before stays in use. If that had to be
   *   closed first and does not open again, the stream ends with "device_lost".
   */
  setCamera(id: string): Promise<void> {
    return this.#choose("video", { cameraId: id });
  }

  /** Send silence instead of the microphone, or no longer. */
  muteMicrophone(muted = true): void {
    this.#mute({ ...this.#muted, microphone: muted });
    if (!muted) void this.#open("audio");
  }

  /** Send black instead of the camera, or no longer. */
  muteCamera(muted = true): void {
    this.#mute({ ...this.#muted, camera: muted });
    if (!muted) void this.#open("video");
  }

  /** Sum up the statistics of the moment; null while there is no connection. */
  async getStats(): Promise<StreamStats | null> {
    return (await this.#life?.stats()) ?? null;
  }

  async #choose(kind: Kind, change: DeviceChoice): Promise<void> {
    if (this.active) await this.#life?.exchange(kind, change);
    else this.#keep(change);
  }

  #keep(change: DeviceChoice): void {
    const devices = { ...this.options.devices, ...change };
    this.options = { ...this.options, devices };
    this.emit("devices", devices);
  }

  #mute(muted: MuteState): void {
    this.#muted = muted;
    this.#life?.mute(muted);
    this.emit("mute", this.muted);
  }

  #lacks(kind: Kind): boolean {
    return this.active && this.kinds.includes(kind) && this.#life?.lacks(kind) === true;
  }

  async #open(kind: Kind): Promise<void> {
    if (!this.#lacks(kind)) return;
    await this.#life?.open(kind);
    this.emit("mute", this.muted);
  }
}
