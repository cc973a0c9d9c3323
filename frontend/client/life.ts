/** The life cycle of a connection: from start to end, across all reconnects. */

import { Connector, type AnyLink } from "./connector";
import { Continuity } from "./continuity";
import { fromEnvironment, listen } from "./environment";
import { FastRTCError, toFastRTCError } from "./errors";
import { forgetBlocked, mayUseSocket } from "./fallback";
import { Hearing } from "./hearing";
import { LocalDevices } from "./local_devices";
import { conversationOf, eventOf, isEcho, parseMessage } from "./messages";
import { endError, noWebRTC } from "./sentences";
import type { Counts } from "./stats";
import { Turn } from "./turn";
import type {
  ConnectionEvents,
  ConnectionOptions,
  ConnectionState,
  DeviceChoice,
  MuteState,
  StreamStats,
} from "./types";

/** A connection closed this soon after an error of the handler was closed by it, in ms. */
const EXPLAINS_WITHIN = 2000;

/** Emits an event of the connection. */
export type Tell = <Name extends keyof ConnectionEvents>(
  name: Name,
  detail: ConnectionEvents[Name],
) => void;

/** Runs once. Events after its end are ignored. */
export class Life {
  state: ConnectionState = "idle";
  error: FastRTCError | null = null;
  remote: MediaStream | null = null;
  readonly hearing: Hearing;
  readonly turn: Turn;
  readonly devices: LocalDevices;
  readonly continuity: Continuity;
  /** Resolves when connected (true) or ended (false). */
  readonly outcome: Promise<boolean>;

  #over = new AbortController();
  #settle: (connected: boolean) => void = () => undefined;
  #complaint: { text: string; at: number } | null = null;
  #counts: Counts | null = null;
  readonly #options: ConnectionOptions;
  #muted: MuteState;
  readonly #tell: Tell;

  /**
   * @param options The options of the connection; `devices` may change.
   * @param muted Tracks that start muted.
   * @param silent Whether to request each device only when its track is unmuted.
   * @param chosen Called when other devices are used.
   */
  constructor(
    options: ConnectionOptions,
    muted: MuteState,
    silent: boolean,
    tell: Tell,
    chosen: (change: DeviceChoice) => void,
  ) {
    this.#options = options;
    this.#muted = muted;
    this.#tell = tell;
    // Created within the click that starts it, or browsers keep the audio context suspended.
    this.hearing = new Hearing((snapshot) => {
      tell("conversation", snapshot);
    }, options.environment);
    this.turn = new Turn(
      options.turnDetection === "manual",
      (message, later) => (later ? this.post(message) : this.send(message)),
      (state) => {
        this.devices.mute();
        tell("turn", state);
      },
    );
    const notice = (error: FastRTCError) => {
      tell("notice", error);
    };
    this.outcome = new Promise((resolve) => (this.#settle = resolve));
    this.devices = new LocalDevices(options, silent, {
      signal: this.#over.signal,
      silenced: () => ({ ...this.#muted, microphone: this.#muted.microphone || this.turn.silent }),
      changed: async (stream, track) => {
        if (track) await this.link?.replaceTrack(track);
        this.hearing.levels?.watchLocal(stream);
        tell("local", stream);
      },
      chosen,
      notice,
      failed: (error) => {
        this.end("failed", error);
      },
    });
    const connector = new Connector(options, {
      local: () => this.devices.media?.stream ?? null,
      context: () => this.hearing.levels?.context ?? null,
      begins: (id) => {
        this.continuity.id = id;
        if (this.state !== "reconnecting") this.#enter("connecting");
      },
      created: (link) => {
        this.#counts = null;
        this.continuity.follow(link);
        this.#listen(link);
      },
      notice,
    });
    this.continuity = new Continuity(options, {
      signal: this.#over.signal,
      connect: (attempt) => connector.connect(attempt),
      restart: () => {
        this.hearing.begin();
        this.turn.reset();
      },
      read: (text) => {
        this.#read(text);
      },
      lost: () => {
        this.#enter("reconnecting");
      },
      reconnecting: (progress) => {
        tell("reconnecting", progress);
      },
      connected: (resumed) => {
        this.#enter("connected", null, resumed);
        this.#settle(true);
      },
      ended: (state, error) => {
        if (state === "stopped") this.#serverClosed(error);
        else this.end(state, error);
      },
    });
  }

  /** Request the devices and connect. */
  async run(): Promise<void> {
    try {
      const peers = fromEnvironment(this.#options.environment, "RTCPeerConnection");
      if (!peers && !mayUseSocket(this.#options)) throw noWebRTC();
      this.#endWithPage();
      if (this.#options.mode !== "receive") await this.#openDevices();
      if (!this.#isOver()) await this.continuity.start(this.#options.id, this.#over.signal);
    } catch (thrown) {
      const error = toFastRTCError(thrown);
      if (error.code === "ended_by_server") this.#serverClosed(error);
      else this.end("failed", error);
    }
  }

  /** Close the connection and release everything. */
  end(state: "stopped" | "failed", error: FastRTCError | null): void {
    if (this.#isOver()) return;
    this.#over.abort();
    this.turn.reset();
    this.continuity.close();
    this.devices.close();
    this.hearing.close();
    this.#enter(state, error);
    this.#settle(false);
  }

  /** Start or stop sending silence and black frames. */
  mute(muted: MuteState): void {
    this.#muted = muted;
    this.devices.mute();
  }

  get id(): string | null {
    return this.continuity.id;
  }

  get link(): AnyLink | null {
    return this.continuity.link;
  }

  /** Send a message as JSON; false if there is no open channel. */
  send(message: unknown): boolean {
    if (!this.continuity.send(JSON.stringify(message))) return false;
    this.#tell("sent", message);
    return true;
  }

  /** Send a message, or keep it until the session is resumed; false if that is not possible. */
  post(message: unknown): boolean {
    return this.send(message) || this.continuity.keep(JSON.stringify(message));
  }

  /** Return the statistics; null without a connection. */
  async stats(): Promise<StreamStats | null> {
    if (!this.link || this.#isOver()) return null;
    const { stats, counts } = await this.link.stats(this.#counts);
    this.#counts = counts;
    const { latency, latencyFromSpeech } = this.hearing.snapshot;
    return { ...stats, latency, latencyFromSpeech };
  }

  #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Free the connection when the user leaves the page, also to the back/forward cache. */
  #endWithPage(): void {
    const leave = () => {
      this.end("stopped", null);
    };
    listen(globalThis, "pagehide", leave, this.#over.signal);
    listen(globalThis, "online", forgetBlocked, this.#over.signal);
  }

  #enter(state: ConnectionState, error: FastRTCError | null = null, resumed = false): void {
    const previous = this.state;
    if (state === previous) return;
    this.state = state;
    this.error = error;
    this.#tell("state", { state, previous, id: this.id, error, resumed });
  }

  async #openDevices(): Promise<void> {
    if (!this.devices.silent) this.#enter("asking");
    await this.devices.begin();
  }

  #listen(link: AnyLink): void {
    link.on("open", () => {
      if (link === this.link) this.#tell("open", undefined);
    });
    for (const name of ["notice", "refused_candidate"] as const) {
      link.on(name, (error) => {
        this.#tell(name, error);
      });
    }
    link.on("remote", (stream) => {
      if (link !== this.link) return;
      this.remote = stream;
      this.hearing.levels?.watchRemote(stream);
      this.#tell("remote", stream);
    });
  }

  #serverClosed(error: FastRTCError): void {
    const { text, at } = this.#complaint ?? { text: "", at: -Infinity };
    if (performance.now() - at < EXPLAINS_WITHIN) {
      this.end("failed", new FastRTCError("handler_error", text));
    } else {
      this.end("stopped", error);
    }
  }

  #read(text: string): void {
    const message = parseMessage(text);
    this.#tell("message", message);
    const conversation = conversationOf(message);
    if (conversation?.manual) this.turn.setManual();
    if (conversation?.state) this.hearing.report(conversation.state);
    const event = eventOf(message);
    if (!event) return;
    this.#tell(event.name, event.detail);
    switch (event.name) {
      case "log":
        if (!isEcho(event.detail)) this.hearing.log(event.detail);
        break;
      case "started_talking":
      case "interrupted":
        this.hearing.log(event.name);
        break;
      case "error":
        this.#complaint = { text: event.detail, at: performance.now() };
        this.hearing.fail();
        break;
      case "end_stream":
        if (message["code"] !== "replaced" || !this.continuity.replaced()) {
          this.end("stopped", endError(event.detail, message["code"]));
        }
        break;
      case "update_connection":
        if (event.detail === "closed") this.end("stopped", endError());
        break;
    }
  }
}
