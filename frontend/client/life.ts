/** The life cycle of a connection: from start to end, across all reconnects. */

import { kindsOf } from "./constraints";
import { Connector, type AnyLink } from "./connector";
import { FastRTCError, toFastRTCError } from "./errors";
import { forgetBlocked, mayUseSocket } from "./fallback";
import { Hearing } from "./hearing";
import { LocalMedia, lostDevice } from "./local_media";
import { conversationOf, eventOf, isEcho, parseMessage } from "./messages";
import { isPassing, pause, reconnectPlan, waitBefore } from "./retry";
import { endError, lostError } from "./sentences";
import type { Counts } from "./stats";
import { Turn } from "./turn";
import type {
  ConnectionEvents,
  ConnectionOptions,
  ConnectionState,
  DeviceChoice,
  Kind,
  Modality,
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
  id: string | null = null;
  media: LocalMedia | null = null;
  link: AnyLink | null = null;
  remote: MediaStream | null = null;
  readonly hearing: Hearing;
  readonly turn: Turn;
  /** Resolves when connected (true) or ended (false). */
  readonly outcome: Promise<boolean>;

  #over = new AbortController();
  #settle: (connected: boolean) => void = () => undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;
  #complaint: { text: string; at: number } | null = null;
  #counts: Counts | null = null;
  #exchanges: Promise<unknown> = Promise.resolve();
  #connector: Connector;

  /**
   * @param options The options of the connection; `devices` may change.
   * @param muted Tracks that start muted.
   * @param silent Whether to request each device only when its track is unmuted.
   * @param chosen Called when other devices are used.
   */
  constructor(
    private readonly options: ConnectionOptions,
    private muted: MuteState,
    private readonly silent: boolean,
    private readonly tell: Tell,
    private readonly chosen: (change: DeviceChoice) => void,
  ) {
    // Created within the click that starts it, or browsers keep the audio context suspended.
    this.hearing = new Hearing((snapshot) => {
      tell("conversation", snapshot);
    });
    this.turn = new Turn(
      options.turnDetection === "manual",
      (message) => this.send(message),
      (state) => {
        this.media?.mute(this.#silenced);
        tell("turn", state);
      },
    );
    this.outcome = new Promise((resolve) => (this.#settle = resolve));
    this.#connector = new Connector(options, this.#over.signal, {
      local: () => this.media?.stream ?? null,
      context: () => this.hearing.levels?.context ?? null,
      begins: (id) => {
        this.#begin(id);
      },
      created: (link) => {
        this.#follow(link);
      },
      notice: (notice) => {
        tell("notice", notice);
      },
    });
  }

  /** Request the devices and connect. */
  async run(): Promise<void> {
    try {
      if (typeof RTCPeerConnection === "undefined" && !mayUseSocket(this.options)) {
        throw new FastRTCError("no_webrtc", "This browser cannot do WebRTC. Use a newer one.");
      }
      this.#endWithPage();
      if (this.options.mode !== "receive") await this.#beginToSend();
      if (!this.#isOver()) await this.#connect(this.options.id);
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
    clearTimeout(this.#grace);
    this.turn.reset();
    this.link?.close();
    this.media?.close();
    this.hearing.close();
    this.#enter(state, error);
    this.#settle(false);
  }

  /** Start or stop sending silence and black frames. */
  mute(muted: MuteState): void {
    this.muted = muted;
    this.media?.mute(this.#silenced);
  }

  /** Send a message as JSON; false if there is no open channel. */
  send(message: unknown): boolean {
    if (!this.link?.send(JSON.stringify(message))) return false;
    this.tell("sent", message);
    return true;
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
      if (!this.#isOver()) this.tell("notice", toFastRTCError(error));
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

  get #silenced(): MuteState {
    return { ...this.muted, microphone: this.muted.microphone || this.turn.silent };
  }

  /** Free the connection when the user leaves the page, also to the back/forward cache. */
  #endWithPage(): void {
    const leave = () => {
      this.end("stopped", null);
    };
    globalThis.addEventListener("pagehide", leave, { signal: this.#over.signal });
    globalThis.addEventListener("online", forgetBlocked, { signal: this.#over.signal });
  }

  #enter(state: ConnectionState, error: FastRTCError | null = null): void {
    const previous = this.state;
    if (state === previous) return;
    this.state = state;
    this.error = error;
    this.tell("state", { state, previous, id: this.id, error });
  }

  /** Run device operations one at a time. */
  #inTurn(action: () => Promise<void>): Promise<void> {
    const mine = this.#exchanges.then(action);
    this.#exchanges = mine.catch(() => undefined);
    return mine;
  }

  async #beginToSend(): Promise<void> {
    const { modality = "audio" } = this.options;
    const lost = (kind: Kind) => void this.#replaceLost(kind);
    if (this.silent) {
      this.media = LocalMedia.empty(modality, lost);
      return;
    }
    this.#enter("asking");
    await this.#inTurn(() => this.#openDevices(modality, lost));
  }

  async #openDevices(modality: Modality, lost: (kind: Kind) => void): Promise<void> {
    const media = await LocalMedia.open(kindsOf(modality), modality, this.options, lost);
    if (this.#isOver()) {
      media.close();
      return;
    }
    this.media = media;
    media.mute(this.#silenced);
    this.hearing.levels?.watchLocal(media.stream);
    this.tell("local", media.stream);
  }

  /** Open another device and send its track; without a change, reopen the same device. */
  async #use(kind: Kind, change: DeviceChoice): Promise<void> {
    if (this.media && !this.#isOver()) {
      const wanted = { ...this.options, devices: { ...this.options.devices, ...change } };
      const track = await this.media.exchange(kind, wanted, this.#over.signal);
      if (track) await this.#send(track, this.media);
    }
    this.#choose(change);
  }

  #choose(change: DeviceChoice): void {
    this.options.devices = { ...this.options.devices, ...change };
    this.chosen(change);
  }

  async #send(track: MediaStreamTrack, media: LocalMedia): Promise<void> {
    media.mute(this.#silenced);
    await this.link?.replaceTrack(track);
    this.hearing.levels?.watchLocal(media.stream);
    this.tell("local", media.stream);
  }

  /** Reopen a device that was closed for another one that cannot be opened, or end. */
  async #goBack(kind: Kind): Promise<void> {
    try {
      await this.#use(kind, {});
    } catch {
      this.end("failed", lostDevice(kind, false));
    }
  }

  /** Replace an unplugged device by the default one, or end. */
  async #replaceLost(kind: Kind): Promise<void> {
    const choice = kind === "audio" ? { microphoneId: null } : { cameraId: null };
    try {
      await this.#inTurn(() => this.#use(kind, choice));
      if (!this.#isOver()) this.tell("notice", lostDevice(kind, true));
    } catch {
      this.end("failed", lostDevice(kind, false));
    }
  }

  /** Connect; resolves when connected. */
  async #connect(id: ConnectionOptions["id"]): Promise<void> {
    await this.#connector.connect(id);
    if (this.#isOver()) return;
    this.#enter("connected");
    this.#settle(true);
  }

  #begin(id: string): void {
    this.id = id;
    if (this.state !== "reconnecting") this.#enter("connecting");
  }

  #follow(link: AnyLink): void {
    this.link = link;
    this.#counts = null;
    this.hearing.begin();
    this.turn.reset();
    this.#listen(link);
  }

  #listen(link: AnyLink): void {
    link.on("open", () => {
      this.tell("open", undefined);
    });
    link.on("notice", (notice) => {
      this.tell("notice", notice);
    });
    link.on("refused_candidate", (error) => {
      this.tell("refused_candidate", error);
    });
    link.on("text", (text) => {
      this.#read(text);
    });
    link.on("remote", (stream) => {
      this.remote = stream;
      this.hearing.levels?.watchRemote(stream);
      this.tell("remote", stream);
    });
    link.on("disconnected", () => {
      this.#enter("reconnecting");
      this.#grace = setTimeout(() => {
        void this.#reconnect();
      }, reconnectPlan(this.options.reconnect).grace);
    });
    link.on("returned", () => {
      clearTimeout(this.#grace);
      this.#enter("connected");
    });
    link.on("closed", (error) => {
      clearTimeout(this.#grace);
      if (error.code === "connection_lost") void this.#reconnect();
      else this.#serverClosed(error);
    });
  }

  async #reconnect(): Promise<void> {
    this.link?.close();
    this.#enter("reconnecting");
    const plan = reconnectPlan(this.options.reconnect);
    let last = new FastRTCError("connection_lost", "The connection was lost.");
    for (let attempt = 0; attempt < plan.tries; attempt++) {
      await pause(waitBefore(attempt, plan), this.#over.signal);
      if (this.#isOver()) return;
      try {
        // The server may still have the lost connection under its id, so use a new one.
        const { id } = this.options;
        await this.#connect(typeof id === "function" ? id : undefined);
        return;
      } catch (error) {
        last = toFastRTCError(error);
        if (!isPassing(last)) break;
      }
    }
    this.end("failed", lostError(last));
  }

  #serverClosed(error: FastRTCError): void {
    if (this.#complaint && performance.now() - this.#complaint.at < EXPLAINS_WITHIN) {
      this.end("failed", new FastRTCError("handler_error", this.#complaint.text));
    } else {
      this.end("stopped", error);
    }
  }

  #read(text: string): void {
    const message = parseMessage(text);
    this.tell("message", message);
    const conversation = conversationOf(message);
    if (conversation?.manual) this.turn.setManual();
    if (conversation?.state) this.hearing.report(conversation.state);
    const event = eventOf(message);
    if (!event) return;
    this.tell(event.name, event.detail);
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
        this.end("stopped", endError(event.detail, message["code"]));
        break;
      case "update_connection":
        if (event.detail === "closed") this.end("stopped", endError());
        break;
    }
  }
}
