/** A connection that goes nowhere: it stands wherever the gallery or a test puts it. */

import type { Connection, ConnectionEvents, ConnectionOptions, StreamStats } from "@fastrtc/client";
import type { ConversationSnapshot, DeviceChoice, TurnState } from "@fastrtc/client";
import { Emitter, RecordingState, Transcripts, TurnLog } from "@fastrtc/client/internal";
import type { FastRTCError } from "@fastrtc/client";

/** The level of somebody who speaks, or of nobody. */
class FakeMeter {
  constructor(private readonly speaking: () => boolean) {}

  level(): number {
    if (!this.speaking()) return -60;
    return -20 + 6 * Math.sin(performance.now() / 90) * Math.sin(performance.now() / 37);
  }

  bands(count: number): number[] {
    return Array.from({ length: count }, (_, index) => (this.speaking() ? 0.85 - index * 0.17 : 0));
  }
}

/** The states in which a side speaks. */
const VOICED = {
  local: new Set(["heard", "paused"]),
  remote: new Set(["speaking", "resumed"]),
};

/** Has the surface of a `Connection`. */
export class FakeConnection extends Emitter<ConnectionEvents> {
  state: Connection["state"] = "idle";
  error: FastRTCError | null = null;
  id: string | null = null;
  localStream: MediaStream | null = null;
  remoteStream: MediaStream | null = null;
  conversation: ConversationSnapshot = {
    state: "listening",
    latency: null,
    latencyFromSpeech: null,
  };
  turn = { manual: false, talking: false };
  turns: string[] = [];
  muted = { microphone: false, camera: false };
  stats: StreamStats | null = null;
  starts = 0;
  /** How often the view has asked for records of turns. */
  requests = 0;
  #transcripts = new Transcripts((transcript) => {
    this.emit("transcript", transcript);
  });
  #recording = new RecordingState((active) => {
    this.emit("recording", active);
  });
  #log = new TurnLog((turn) => {
    this.emit("timeline", turn);
  });
  #meters = {
    local: new FakeMeter(() => this.turn.talking || VOICED.local.has(this.conversation.state)),
    remote: new FakeMeter(() => VOICED.remote.has(this.conversation.state)),
  };

  constructor(readonly options: ConnectionOptions) {
    super();
  }

  /** As a `Connection`, for those who take one. */
  get real(): Connection {
    return this as unknown as Connection;
  }

  get active(): boolean {
    return ["asking", "connecting", "connected", "reconnecting"].includes(this.state);
  }

  get kinds(): ("audio" | "video")[] {
    const { modality } = this.options;
    return modality === "audio-video" ? ["audio", "video"] : [modality ?? "audio"];
  }

  get levels(): Connection["levels"] {
    return this.#meters as unknown as Connection["levels"];
  }

  /** Puts it into a state. */
  become(
    state: Connection["state"],
    error: FastRTCError | null = null,
    { resumed = false } = {},
  ): void {
    const previous = this.state;
    this.state = state;
    this.error = error;
    if (state === "connecting") this.id = `fake-${this.starts}`;
    this.#recording.follow(this.active ? this.id : null);
    this.emit("state", { state, previous, id: this.id, error, resumed });
    if (!this.active) this.id = null;
  }

  /** Moves the conversation on. */
  converse(state: ConversationSnapshot["state"]): void {
    this.conversation = { state, latency: 412, latencyFromSpeech: 913 };
    this.#log.follow(this.conversation, performance.now());
    this.emit("conversation", this.conversation);
  }

  /** Has the server say something. */
  say<Name extends keyof ConnectionEvents>(name: Name, detail: ConnectionEvents[Name]): void {
    if (name === "message") {
      const message = detail as ConnectionEvents["message"];
      this.#transcripts.receive(message);
      this.#recording.receive(message, this.id);
      this.#log.receive(message);
    }
    this.emit(name, detail);
  }

  requestTurns(): void {
    this.requests += 1;
  }

  get recording(): boolean {
    return this.#recording.active;
  }

  start({ silent = false } = {}): Promise<boolean> {
    if (this.active) return Promise.resolve(false);
    this.starts += 1;
    this.#transcripts.clear();
    this.#log.clear();
    this.become(silent || this.options.mode === "receive" ? "connecting" : "asking");
    return Promise.resolve(false);
  }

  stop(): void {
    if (this.active) this.become("stopped");
  }

  /** Has the server say that its turns are manual. */
  becomeManual(): void {
    this.#turn({ manual: true });
  }

  begin(): boolean {
    if (this.state !== "connected") return false;
    this.turns.push("begin");
    this.#turn({ talking: true });
    return true;
  }

  commit(): void {
    this.turns.push("commit");
    this.#turn({ talking: false });
  }

  cancel(): void {
    this.turns.push("cancel");
    this.#turn({ talking: false });
  }

  #turn(change: Partial<TurnState>): void {
    this.turn = { ...this.turn, ...change };
    this.emit("turn", this.turn);
  }

  muteMicrophone(muted = true): void {
    this.muted = { ...this.muted, microphone: muted };
    this.emit("mute", this.muted);
  }

  muteCamera(muted = true): void {
    this.muted = { ...this.muted, camera: muted };
    this.emit("mute", this.muted);
  }

  setMicrophone(id: string): Promise<void> {
    return this.#choose({ microphoneId: id });
  }

  setCamera(id: string): Promise<void> {
    return this.#choose({ cameraId: id });
  }

  #choose(change: DeviceChoice): Promise<void> {
    this.options.devices = { ...this.options.devices, ...change };
    this.emit("devices", this.options.devices);
    return Promise.resolve();
  }

  getStats(): Promise<StreamStats | null> {
    return Promise.resolve(this.stats);
  }
}
