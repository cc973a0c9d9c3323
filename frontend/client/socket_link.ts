/** One WebSocket connection, from its start to its end: audio without WebRTC. */

import { Emitter } from "./emitter";
import { fromEnvironment, makeStream } from "./environment";
import { FastRTCError, toFastRTCError } from "./errors";
import { otherVersion } from "./handshake";
import { ANSWER_WITHIN } from "./limit";
import type { LinkEvents } from "./link";
import { fieldsOf } from "./messages";
import { readGrant, resumeFields, type ResumeGrant, type ResumeRequest } from "./resumption";
import {
  closedError,
  closeError,
  lostLinkError,
  noWebRTC,
  refusalError,
  timeoutError,
} from "./sentences";
import { SocketAudio } from "./socket_audio";
import type { Counts, LinkStats } from "./stats";
import type { Environment, Mode } from "./types";
import { VERSION } from "./version";

/** Interval of pings, in ms. A connection without a message for two of them counts as lost. */
const PING_EVERY = 2500;

/** Audio that the network has not taken yet, in bytes: half a second; more is dropped. */
const MAX_UNSENT = 48_000;

/** `WebSocket.OPEN`. */
const OPEN = 1;

/** Closes a lost socket: 1000, which may arrive late, would end the session. */
const LOST = 4000;

/** The close codes of a connection that has broken rather than ended (RFC 6455). */
const BROKEN = [1005, 1006, 1012, 1014, 1015];

/**
 * Delays before another handshake when one has failed, in ms. Of the workers of one machine, the
 * operating system chooses any. Sockets of others that never start make one look full for 2 s.
 */
const FULL_WAITS = [50, 100, 100, 200, 200, 400, 400, 800];

/** The close codes of a server that refuses a connection. */
const REFUSED = [1001, 1003, 1008, 1011, 1013];

/** The parameters of a link over a WebSocket. */
export interface SocketSetup {
  id: string;
  /** The address of the route. */
  url: string;
  mode: Mode;
  /** The tracks to send; null in mode "receive". */
  local: MediaStream | null;
  metadata: Record<string, unknown> | null;
  token: string | null;
  /** Plays and captures the audio. */
  context: AudioContext;
  /** The id of an attempt over WebRTC that this link replaces. */
  replaces: string | null;
  resume: ResumeRequest;
  /** Timeout until the server has started the connection, in ms; null is the default. */
  timeout: number | null;
  environment: Environment | undefined;
}

/** The events of the server on this transport; other messages have a `type`. */
interface SocketEvent {
  event?: string;
  status?: string;
  server_version?: unknown;
  meta?: Record<string, unknown>;
}

/** Connects once; events after its end are ignored. */
export class SocketLink extends Emitter<LinkEvents> {
  readonly peer = null;
  /** What the server has granted when it started the connection. */
  grant: ResumeGrant | null = null;
  #socket: WebSocket | null = null;
  #audio: SocketAudio | null = null;
  #over = false;
  #connected = false;
  #away = false;
  #refusal: FastRTCError | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pings: ReturnType<typeof setInterval> | undefined;
  #pingedAt = 0;
  #heardAt = 0;
  #roundTrip: number | null = null;
  #bytes = { sent: 0, received: 0 };
  /** Samples that were received, and those of the last ones that were not played. */
  #samples = 0;
  #dropped = 0;
  #settle: { resolve: () => void; reject: (error: FastRTCError) => void } | null = null;
  readonly #setup: SocketSetup;

  constructor(setup: SocketSetup) {
    super();
    this.#setup = setup;
  }

  /** Whether nothing arrives, or it has ended. */
  get lost(): boolean {
    return this.#away || this.#over;
  }

  /** Open the socket; resolves when the server has started the connection. */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#timer = setTimeout(() => {
        this.#end(timeoutError());
      }, this.#setup.timeout ?? ANSWER_WITHIN);
      this.#open().catch((error: unknown) => {
        this.#end(toFastRTCError(error));
      });
    });
  }

  /** Send a string; false if the connection is not open. */
  send(text: string): boolean {
    if (!this.#connected || !this.#opened) return false;
    this.#put(text);
    return true;
  }

  /** Send another track. */
  replaceTrack(track: MediaStreamTrack): Promise<void> {
    const { environment } = this.#setup;
    this.#audio?.capture(track.kind === "audio" ? makeStream(environment, track) : null);
    return Promise.resolve();
  }

  /** Return how long audio waits before it is played, in seconds; null if it is not known. */
  playoutDelay(): Promise<number | null> {
    return Promise.resolve(this.#audio?.delay ?? null);
  }

  /** Return the statistics that a WebSocket has. */
  stats(before: Counts | null): Promise<{ stats: LinkStats; counts: Counts }> {
    const counts = { at: performance.now(), ...this.#bytes };
    const seconds = before ? (counts.at - before.at) / 1000 : 0;
    const rate = (name: "sent" | "received") =>
      before && seconds > 0 ? ((counts[name] - before[name]) * 8) / seconds : null;
    const stats = {
      route: null,
      protocol: this.#setup.url.startsWith("wss:") ? ("tls" as const) : ("tcp" as const),
      roundTrip: this.#roundTrip,
      jitter: null,
      loss: null,
      sending: rate("sent"),
      receiving: rate("received"),
      picture: null,
      codecs: ["PCM"],
    };
    return Promise.resolve({ stats, counts });
  }

  /** Stop playing, and return how many samples were played. */
  async heard(): Promise<number> {
    this.#dropped += (await this.#audio?.drop()) ?? 0;
    return this.#samples - this.#dropped;
  }

  /** Close the link. The server notices immediately. */
  close(code = 1000): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    clearInterval(this.#pings);
    this.#audio?.close();
    this.#socket?.close(code);
    this.#settle?.reject(closedError());
  }

  #isOver(): boolean {
    return this.#over;
  }

  get #opened(): WebSocket | null {
    return this.#socket?.readyState === OPEN ? this.#socket : null;
  }

  #end(error: FastRTCError): void {
    if (this.#over) return;
    const wasConnected = this.#connected;
    if (!wasConnected) this.#settle?.reject(error);
    this.close(LOST);
    if (wasConnected) this.emit("closed", error);
  }

  async #open(): Promise<void> {
    const { context, mode, environment } = this.#setup;
    await context.resume();
    const audio = await SocketAudio.open(
      context,
      environment,
      mode === "receive"
        ? null
        : (samples) => {
            this.#sendAudio(samples);
          },
    );
    this.#audio = audio;
    if (this.#isOver()) {
      audio.close();
      return;
    }
    await this.#dial();
    if (!this.#isOver()) this.#start(audio.rate);
  }

  /** Open the socket. A process of a cluster that is full refuses the handshake: try another. */
  async #dial(): Promise<void> {
    const { url, token, environment } = this.#setup;
    const Socket = fromEnvironment(environment, "WebSocket");
    if (!Socket) throw noWebRTC();
    for (const wait of [...FULL_WAITS, null]) {
      const socket = (this.#socket = new Socket(url, token ? ["fastrtc", token] : []));
      socket.binaryType = "arraybuffer";
      socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
        if (!this.#over) this.#read(data);
      };
      const closed = await new Promise<CloseEvent | null>((resolve) => {
        socket.onopen = () => {
          resolve(null);
        };
        socket.onclose = resolve;
      });
      if (!closed) {
        socket.onclose = ({ code, reason }) => {
          this.#closed(code, reason);
        };
        return;
      }
      if (wait === null || this.#isOver()) throw closeError(closed.code, closed.reason);
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (this.#isOver()) return;
    }
  }

  #start(rate: number): void {
    const format = { encoding: "pcm16", binary: true, pause: true };
    const audio = { ...format, input_sample_rate: rate, output_sample_rate: rate };
    const { id, replaces, resume, metadata } = this.#setup;
    this.#put(
      JSON.stringify({
        event: "start",
        websocket_id: id,
        audio,
        client_version: VERSION,
        ...resumeFields(resume),
        ...(metadata && { metadata }),
        ...(replaces === null ? {} : { replaces }),
      }),
    );
    this.#heardAt = performance.now();
    this.#ping();
    this.#pings = setInterval(() => {
      this.#setAway(performance.now() - this.#heardAt > 2 * PING_EVERY);
      this.#ping();
    }, PING_EVERY);
  }

  /** It is not closed, which would end its session on the server when the network is back. */
  #setAway(away: boolean): void {
    if (away === this.#away || !this.#connected) return;
    this.#away = away;
    this.#dropped = 0;
    this.emit(away ? "disconnected" : "returned", undefined);
  }

  #ping(): void {
    this.#pingedAt = performance.now();
    this.#put('{"event": "ping"}');
  }

  #put(message: string): void {
    const socket = this.#opened;
    if (!socket) return;
    this.#bytes.sent += message.length;
    socket.send(message);
  }

  #sendAudio(samples: Int16Array): void {
    const socket = this.#opened;
    if (!this.#connected || !socket) return;
    if (socket.bufferedAmount > MAX_UNSENT) return; // the network is slower than real time
    this.#bytes.sent += samples.byteLength;
    socket.send(samples as Int16Array<ArrayBuffer>); // little-endian, as on all machines with browsers
  }

  #read(data: string | ArrayBuffer): void {
    this.#heardAt = performance.now();
    this.#setAway(false);
    if (typeof data !== "string") {
      this.#bytes.received += data.byteLength;
      this.#samples += data.byteLength / 2;
      this.#audio?.play(new Int16Array(data));
      return;
    }
    this.#bytes.received += data.length;
    const message = parse(data);
    if (message.event === "started") this.#begin(message);
    else if (message.event === "pong") this.#ponged();
    else if (isControl(message.event)) this.#audio?.control(message.event);
    else if (message.status === "failed") this.#refusal = refusalError(message.meta);
    else this.emit("text", data);
  }

  #begin(started: SocketEvent): void {
    if (this.#connected || !this.#audio) return;
    const notice = otherVersion(started.server_version);
    if (notice) this.emit("notice", notice);
    this.grant = readGrant(started);
    this.#connected = true;
    clearTimeout(this.#timer);
    this.#audio.capture(this.#setup.local);
    this.#settle?.resolve();
    this.emit("open", undefined);
    this.emit("remote", this.#audio.remote);
  }

  #ponged(): void {
    this.#roundTrip = (performance.now() - this.#pingedAt) / 1000;
    // A server answers in order: one that does not negotiate has answered the ping only.
    if (!this.#connected) {
      this.#end(
        new FastRTCError("server_error", "The server is too old for audio over a WebSocket."),
      );
    }
  }

  #closed(code: number, reason: string): void {
    if (this.#refusal) this.#end(this.#refusal);
    else if (this.#connected && BROKEN.includes(code)) this.#end(lostLinkError());
    // A server says why it refuses; a proxy that lets no WebSocket through does not.
    else this.#end(closeError(this.#connected || REFUSED.includes(code) ? code : 1006, reason));
  }
}

function isControl(event: string | undefined): event is "clear" | "pause" | "resume" {
  return event === "clear" || event === "pause" || event === "resume";
}

function parse(text: string): SocketEvent {
  try {
    return fieldsOf(JSON.parse(text));
  } catch {
    return {};
  }
}
