/** A connection to a stream. */

import { Calls } from "./calls";
import { kindsOf } from "./constraints";
import type { ConversationSnapshot } from "./conversation";
import { Emitter } from "./emitter";
import type { FastRTCError } from "./errors";
import type { Meter } from "./levels";
import { Life } from "./life";
import { PlayoutReports } from "./playout_delay";
import { RecordingState } from "./recording";
import { Transcripts, type Transcript } from "./transcripts";
import { TurnLog, type TurnRecord } from "./turn_log";
import type {
  CallHandler,
  ConnectionEvents,
  ConnectionOptions,
  ConnectionState,
  DeviceChoice,
  Kind,
  MuteState,
  Reconnecting,
  StreamStats,
  TurnState,
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
  /** The options; changes take effect at the next `start()`. */
  options: ConnectionOptions;
  #muted: MuteState = { microphone: false, camera: false };
  #life: Life | null = null;
  #calls = new Calls((message) => this.#life?.post(message) ?? false);
  #transcripts = new Transcripts((transcript) => {
    this.emit("transcript", transcript);
  });
  #recording = new RecordingState((active) => {
    this.emit("recording", active);
  });
  #turns = new TurnLog((turn) => {
    this.emit("timeline", turn);
  });
  #wantsTurns = false;
  #playout = new PlayoutReports(
    () => this.#life?.link?.playoutDelay() ?? Promise.resolve(null),
    (message) => this.#life?.send(message),
  );

  constructor(options: ConnectionOptions = {}) {
    super();
    this.options = options;
    this.on("message", (message) => {
      this.#calls.receive(message);
      this.#transcripts.receive(message);
      this.#recording.receive(message, this.id);
      this.#turns.receive(message);
      this.#playout.receive(message);
    });
    this.on("conversation", (snapshot) => {
      this.#turns.follow(snapshot, performance.now());
    });
    this.on("open", () => {
      if (this.#wantsTurns) this.requestTurns();
    });
    this.on("state", ({ state, previous, resumed }) => {
      // Calls of a session that can be resumed wait for it.
      const goesOn =
        state === "connected"
          ? resumed || previous !== "reconnecting"
          : state === "reconnecting" && this.#life?.continuity.resumable;
      if (!goesOn) this.#calls.end();
      this.#recording.follow(this.active ? this.id : null);
      this.#transcripts.follow(this.id);
      if (!this.active) this.#turns.end(performance.now());
    });
  }

  /** The state of the connection; `idle` before the first start. */
  get state(): ConnectionState {
    return this.#life?.state ?? "idle";
  }

  /** Whether it has started and neither stopped nor failed. */
  get active(): boolean {
    return ACTIVE.includes(this.state);
  }

  /** The kinds of tracks of its modality. */
  get kinds(): Kind[] {
    return kindsOf(this.options.modality ?? "audio");
  }

  /** Why it failed, or why the server ended it. */
  get error(): FastRTCError | null {
    return this.#life?.error ?? null;
  }

  /** The connection id; after the end, the last one. */
  get id(): string | null {
    return this.#life?.id ?? null;
  }

  /** The progress of a reconnect; null if there is none. */
  get reconnecting(): Reconnecting | null {
    return this.state === "reconnecting" ? (this.#life?.continuity.reconnecting ?? null) : null;
  }

  /** The stream from the devices; null before they are open and after the end. */
  get localStream(): MediaStream | null {
    return this.active ? (this.#life?.devices.media?.stream ?? null) : null;
  }

  /** The stream from the server; null before it arrives and after the end. */
  get remoteStream(): MediaStream | null {
    return this.active ? (this.#life?.remote ?? null) : null;
  }

  /** How the audio travels; null without a connection. */
  get transport(): "webrtc" | "websocket" | null {
    const link = this.#life?.link;
    if (!link) return null;
    return link.peer ? "webrtc" : "websocket";
  }

  /** The browser's peer connection, for features not covered here; null over a WebSocket. */
  get peer(): RTCPeerConnection | null {
    return this.#life?.link?.peer ?? null;
  }

  /** Level meters; null without audio. */
  get levels(): {
    /** That of the sent audio. */
    local: Meter | null;
    /** That of the received audio. */
    remote: Meter | null;
  } {
    const levels = this.#life?.hearing.levels;
    return { local: levels?.local ?? null, remote: levels?.remote ?? null };
  }

  /** The state of the conversation, and the latency of the last reply. */
  get conversation(): ConversationSnapshot {
    return (
      this.#life?.hearing.snapshot ?? {
        state: "listening",
        latency: null,
        latencyFromSpeech: null,
      }
    );
  }

  /** Who decides about turns, and whether it is the user's (push to talk). */
  get turn(): TurnState {
    const manual = this.options.turnDetection === "manual";
    return this.#life?.turn.state ?? { manual, talking: false };
  }

  /** What both sides have said since the start, as far as the program sends it; newest last. */
  get transcripts(): readonly Transcript[] {
    return this.#transcripts.list;
  }

  /**
   * The turns since the start, newest last: the program's records if they were requested, or what
   * the page knows itself.
   */
  get timeline(): readonly TurnRecord[] {
    return this.#turns.list;
  }

  /** Whether the program says that it records the connection. */
  get recording(): boolean {
    return this.#recording.active;
  }

  /** Which local tracks are muted; kept across reconnects and restarts. */
  get muted(): MuteState {
    const { microphone, camera } = this.#muted;
    return {
      microphone: microphone || this.#lacks("audio"),
      camera: camera || this.#lacks("video"),
    };
  }

  /**
   * Request the devices and connect.
   *
   * Resolves when connected (true) or when the attempt has ended (false). It never rejects: the
   * error is in `error` and in the `state` event. Call it from a click, because otherwise
   * browsers block audio playback. It has no effect while the connection is active.
   *
   * @param silent Whether to start muted and request each device only when it is unmuted, for
   *   users who type and may never speak.
   */
  start({ silent = false } = {}): Promise<boolean> {
    if (this.active && this.#life) return this.#life.outcome;
    this.#transcripts.clear();
    this.#turns.clear();
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

  /** Close the connection and release everything; `start()` may be called again. */
  stop(): void {
    this.#life?.end("stopped", null);
  }

  /** Send a string, or an object as JSON, on the data channel; false if there is none. */
  send(message: unknown): boolean {
    return this.#life?.send(message) ?? false;
  }

  /**
   * Set the function that answers calls of the program: `await context.call(name, data)`.
   *
   * What it throws is the error that the program gets. It stays set across connections.
   *
   * @param handler Gets the data, and returns the result or a promise of it; null removes it.
   */
  handle(name: string, handler: CallHandler | null): void {
    this.#calls.handle(name, handler);
  }

  /**
   * Call a method of the program: a function with `@stream.method`.
   *
   * @param options.timeout How long to wait for the result, in ms. Default 10,000.
   * @returns The result.
   * @throws FastRTCError with the code "call_failed": there is no such method or no connection, the
   *   method raised an exception, or did not answer in time.
   */
  call(
    name: string,
    data: unknown = null,
    { timeout }: { timeout?: number } = {},
  ): Promise<unknown> {
    return this.#calls.call(name, data, timeout);
  }

  /**
   * Ask the program for its records of turns, now and after each reconnect: exact times, also of
   * what happens at the server. A stream sends them with `on_turn` or `debug`; others do not answer.
   */
  requestTurns(on = true): void {
    this.#wantsTurns = on;
    this.send({ type: "turns", data: { on } });
  }

  /**
   * Begin the user's turn (push to talk); false if there is no open data channel.
   *
   * The microphone is unmuted, a reply is interrupted, and what was said before is not part of the
   * turn. If turns are manual, the microphone sends silence between them.
   */
  begin(): boolean {
    if (!this.#life?.turn.begin()) return false;
    if (this.muted.microphone) this.muteMicrophone(false);
    return true;
  }

  /** End the turn and have it answered, once its last audio has arrived (0.15 s). */
  commit(): void {
    this.#life?.turn.commit();
  }

  /** End the turn and discard what was said, also just after `commit()`. */
  cancel(): void {
    this.#life?.turn.cancel();
  }

  /**
   * Switch to another microphone; while streaming, the track is replaced without renegotiation.
   *
   * @throws FastRTCError if it cannot be opened; the previous device stays in use. If that one had
   *   to be closed first and cannot be reopened, the stream ends with "device_lost".
   */
  setMicrophone(id: string): Promise<void> {
    return this.#choose("audio", { microphoneId: id });
  }

  /**
   * Switch to another camera; while streaming, the track is replaced without renegotiation.
   *
   * @throws FastRTCError if it cannot be opened; the previous device stays in use. If that one had
   *   to be closed first and cannot be reopened, the stream ends with "device_lost".
   */
  setCamera(id: string): Promise<void> {
    return this.#choose("video", { cameraId: id });
  }

  /** Start or stop sending silence instead of the microphone. */
  muteMicrophone(muted = true): void {
    this.#mute({ ...this.#muted, microphone: muted });
    if (!muted) void this.#open("audio");
  }

  /** Start or stop sending black frames instead of the camera. */
  muteCamera(muted = true): void {
    this.#mute({ ...this.#muted, camera: muted });
    if (!muted) void this.#open("video");
  }

  /** Return the current statistics; null without a connection. */
  async getStats(): Promise<StreamStats | null> {
    return (await this.#life?.stats()) ?? null;
  }

  async #choose(kind: Kind, change: DeviceChoice): Promise<void> {
    if (this.active) await this.#life?.devices.exchange(kind, change);
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
    return this.active && this.kinds.includes(kind) && this.#life?.devices.lacks(kind) === true;
  }

  async #open(kind: Kind): Promise<void> {
    if (!this.#lacks(kind)) return;
    await this.#life?.devices.open(kind);
    this.emit("mute", this.muted);
  }
}
