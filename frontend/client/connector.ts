/** Creates the links of a connection: over WebRTC, or over a WebSocket where that may be used. */

import { kindsOf } from "./constraints";
import { FastRTCError, toFastRTCError } from "./errors";
import {
  ICE_TIMEOUT,
  isWithoutRoute,
  rememberBlocked,
  skipsWebRTC,
  socketAddress,
} from "./fallback";
import { Link } from "./link";
import { fallBackNotice } from "./sentences";
import { idOf, resolveConfiguration, resolveToken } from "./setup";
import { httpSignalling } from "./signalling";
import { SocketLink } from "./socket_link";
import type { ConnectionOptions } from "./types";

/** A link over any transport. */
export type AnyLink = Link | SocketLink;

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

  /** @param signal Aborted when the connection is over. */
  constructor(
    private readonly options: ConnectionOptions,
    private readonly signal: AbortSignal,
    private readonly host: ConnectorHost,
  ) {}

  /** Create a link; resolves when it is connected, or when the connection is over. */
  async connect(wanted: ConnectionOptions["id"]): Promise<void> {
    const socket = socketAddress(this.options);
    if (socket === null) {
      await this.#connectPeer(this.#begin(wanted), null);
      return;
    }
    let replaces: string | null = null;
    if (!skipsWebRTC(socket, this.options)) {
      const id = this.#begin(wanted);
      try {
        await this.#connectPeer(id, ICE_TIMEOUT);
        return;
      } catch (thrown) {
        const error = toFastRTCError(thrown);
        if (this.signal.aborted || !isWithoutRoute(error)) throw error;
      }
      replaces = id;
    }
    await this.#connectSocket(socket, this.#begin(wanted), replaces);
  }

  #begin(wanted: ConnectionOptions["id"]): string {
    const id = idOf(wanted);
    this.host.begins(id);
    return id;
  }

  async #connectSocket(url: string, id: string, replaces: string | null): Promise<void> {
    const { mode = "send-receive", transport, metadata = null } = this.options;
    const context = this.host.context();
    if (!context) throw new FastRTCError("no_webrtc", "This browser cannot process audio.");
    const token = await resolveToken(this.options.token, this.signal);
    if (this.signal.aborted) return;
    const local = this.host.local();
    const link = new SocketLink({ id, url, mode, local, context, replaces, metadata, token });
    this.host.created(link);
    try {
      await link.connect();
    } catch (error) {
      rememberBlocked(url, false);
      throw error;
    }
    if (replaces !== null) rememberBlocked(url, true);
    if (transport === "auto" && !this.#toldOfFallback) {
      this.#toldOfFallback = true;
      this.host.notice(fallBackNotice());
    }
  }

  async #connectPeer(id: string, iceTimeout: number | null): Promise<void> {
    const { options } = this;
    const configuration = await resolveConfiguration(options.rtcConfiguration, this.signal);
    const token = await resolveToken(options.token, this.signal);
    if (this.signal.aborted) return;
    const link = new Link({
      id,
      kinds: kindsOf(options.modality ?? "audio"),
      mode: options.mode ?? "send-receive",
      local: this.host.local(),
      signalling: options.signalling ?? httpSignalling(),
      metadata: options.metadata ?? null,
      token,
      configuration,
      rtpParams: options.rtpParams ?? null,
      trickle: options.trickle ?? true,
      iceTimeout,
    });
    this.host.created(link);
    await link.connect();
  }
}
