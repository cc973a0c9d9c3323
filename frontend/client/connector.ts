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
    const id = this.#begin(wanted);
    if (!mayUseSocket(this.options)) {
      await this.#connectPeer(id, Promise.resolve(null));
      return;
    }
    const asked = socketAddress(this.options);
    if (skipsWebRTC(this.options)) {
      const socket = await asked;
      if (socket === null) throw new FastRTCError("not_found", "The stream has no WebSocket.");
      if (!this.signal.aborted) await this.#connectSocket(socket, id, null);
      return;
    }
    try {
      await this.#connectPeer(
        id,
        asked.then((socket) => (socket === null ? null : ICE_TIMEOUT)),
      );
    } catch (thrown) {
      const error = toFastRTCError(thrown);
      const socket = isWithoutRoute(error) ? await asked : null;
      if (this.signal.aborted || socket === null) throw error;
      await this.#connectSocket(socket, this.#begin(wanted), id).catch((thrown: unknown) => {
        throw explains(toFastRTCError(thrown)) ? thrown : error;
      });
    }
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
      rememberBlocked(this.options, false);
      throw error;
    }
    if (replaces !== null) rememberBlocked(this.options, true);
    if (transport === "auto" && !this.#toldOfFallback) {
      this.#toldOfFallback = true;
      this.host.notice(fallBackNotice());
    }
  }

  async #connectPeer(id: string, iceTimeout: Promise<number | null>): Promise<void> {
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

/** Whether an error of the WebSocket says more than that WebRTC found no route. */
function explains({ code }: FastRTCError): boolean {
  return !["server_unreachable", "server_timeout", "no_webrtc"].includes(code);
}
