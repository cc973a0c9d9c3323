/** Creates the links of a connection: over WebRTC, or over a WebSocket where that may be used. */

import { kindsOf } from "./constraints";
import { FastRTCError, toFastRTCError } from "./errors";
import {
  ICE_TIMEOUT,
  isWithoutRoute,
  mayUseSocket,
  rememberBlocked,
  skipsWebRTC,
  socketAddress,
} from "./fallback";
import { inTime, onAbort } from "./limit";
import { Link } from "./link";
import type { ResumeRequest } from "./resumption";
import { closedError, fallBackNotice, timeoutError } from "./sentences";
import { idOf, resolveConfiguration, resolveToken } from "./setup";
import { signallingOf } from "./signalling";
import { SocketLink } from "./socket_link";
import type { ConnectionOptions } from "./types";

/** A link over any transport. */
export type AnyLink = Link | SocketLink;

/** An attempt to connect. */
export interface AttemptOptions {
  /** The id of a session to resume; otherwise that of the options is used. */
  id: ConnectionOptions["id"];
  /** Returns the request about the resumption of the session, just before it is sent. */
  resume: () => ResumeRequest | Promise<ResumeRequest>;
  /** Aborts the attempt. */
  signal: AbortSignal;
  /** The maximum duration in ms; null is the default. */
  timeout: number | null;
}

/** What the connection provides, and is told. */
export interface ConnectorHost {
  /** Returns the tracks to send; null in mode "receive". */
  local: () => MediaStream | null;
  /** Returns the audio context; null if the browser has none. */
  context: () => AudioContext | null;
  /** Called with the id of each attempt. */
  begins: (id: string) => void;
  /** Called with each link before it connects. */
  created: (link: AnyLink) => void;
  notice: (notice: FastRTCError) => void;
}

/** Connects, again and again. */
export class Connector {
  #toldOfFallback = false;
  readonly #options: ConnectionOptions;
  readonly #host: ConnectorHost;

  constructor(options: ConnectionOptions, host: ConnectorHost) {
    this.#options = options;
    this.#host = host;
  }

  /**
   * Create a link; resolves when it is connected.
   *
   * @throws FastRTCError if that fails, or with the code "connection_closed" if it is aborted.
   */
  async connect(attempt: AttemptOptions): Promise<void> {
    const id = this.#begin(attempt);
    if (!mayUseSocket(this.#options)) {
      await this.#connectPeer(id, attempt, Promise.resolve(null));
      return;
    }
    const { signal, timeout } = attempt;
    const limit = timeout ?? undefined;
    const asked = inTime(socketAddress(this.#options), timeoutError(), signal, limit);
    if (skipsWebRTC(this.#options)) {
      const socket = await asked;
      if (socket === null) throw new FastRTCError("not_found", "The stream has no WebSocket.");
      await this.#connectSocket(socket, id, attempt, null);
      return;
    }
    // The attempt over WebRTC says what is wrong with the server.
    const socketOrNone = asked.catch(() => null);
    try {
      await this.#connectPeer(
        id,
        attempt,
        socketOrNone.then((socket) => (socket === null ? null : ICE_TIMEOUT)),
      );
    } catch (thrown) {
      const error = toFastRTCError(thrown);
      const socket = isWithoutRoute(error) ? await socketOrNone : null;
      if (signal.aborted || socket === null) throw error;
      await this.#connectSocket(socket, this.#begin(attempt), attempt, id).catch(
        (thrown: unknown) => {
          throw explains(toFastRTCError(thrown)) ? thrown : error;
        },
      );
    }
  }

  #begin({ id: wanted }: AttemptOptions): string {
    const id = idOf(wanted, this.#options.environment);
    this.#host.begins(id);
    return id;
  }

  async #connectSocket(
    url: string,
    id: string,
    { resume: request, signal, timeout }: AttemptOptions,
    failed: string | null,
  ): Promise<void> {
    const { mode = "send-receive", transport, metadata = null, environment } = this.#options;
    const context = this.#host.context();
    if (!context) throw new FastRTCError("no_webrtc", "This browser cannot process audio.");
    const token = await resolveToken(this.#options.token, signal, timeout ?? undefined);
    const resume = await request();
    check(signal);
    const local = this.#host.local();
    const replaces = failed === id ? null : failed;
    const link = new SocketLink({
      ...{ id, url, mode, local, context, replaces, metadata, token, resume, timeout, environment },
    });
    try {
      await this.#run(link, signal);
    } catch (error) {
      rememberBlocked(this.#options, false);
      throw error;
    }
    if (failed !== null) rememberBlocked(this.#options, true);
    if (transport === "auto" && !this.#toldOfFallback) {
      this.#toldOfFallback = true;
      this.#host.notice(fallBackNotice());
    }
  }

  async #connectPeer(
    id: string,
    { resume: request, signal, timeout }: AttemptOptions,
    iceTimeout: Promise<number | null>,
  ): Promise<void> {
    const options = this.#options;
    const limit = timeout ?? undefined;
    const configuration = await resolveConfiguration(options.rtcConfiguration, signal, limit);
    const token = await resolveToken(options.token, signal, limit);
    const resume = await request();
    check(signal);
    const link = new Link({
      id,
      kinds: kindsOf(options.modality ?? "audio"),
      mode: options.mode ?? "send-receive",
      local: this.#host.local(),
      signalling: signallingOf(options),
      metadata: options.metadata ?? null,
      token,
      configuration,
      rtpParams: options.rtpParams ?? null,
      trickle: options.trickle ?? true,
      iceTimeout,
      resume,
      timeout,
      environment: options.environment,
    });
    await this.#run(link, signal);
  }

  async #run(link: AnyLink, signal: AbortSignal): Promise<void> {
    const stop = onAbort(signal, () => {
      link.close();
    });
    this.#host.created(link);
    try {
      await link.connect();
    } finally {
      stop();
    }
  }
}

function check(signal: AbortSignal): void {
  if (signal.aborted) throw closedError();
}

/** Whether an error of the WebSocket says more than that WebRTC found no route. */
function explains({ code }: FastRTCError): boolean {
  return !["server_unreachable", "server_timeout", "no_webrtc"].includes(code);
}
