/** One peer connection, from its offer to its end. */

import { Emitter } from "./emitter";
import { fromEnvironment, makeStream } from "./environment";
import { FastRTCError, toFastRTCError } from "./errors";
import { otherVersion } from "./handshake";
import { PlayoutDelay } from "./playout_delay";
import { readGrant, resumeFields, type ResumeGrant, type ResumeRequest } from "./resumption";
import {
  closedError,
  endError,
  iceError,
  lostLinkError,
  noWebRTC,
  refusalError,
  timeoutError,
  turnError,
} from "./sentences";
import { countArrived, LOOK_EVERY, SilenceDetector } from "./silence";
import { summarise, type Counts, type LinkStats } from "./stats";
import type { CandidateBody, Environment, Kind, Mode, RtpParams, Signalling } from "./types";
import { VERSION } from "./version";
import { pause } from "./wake";

/** Timeout from the offer to the connection, in ms. */
const CONNECT_WITHIN = 30_000;

/** Timeout from the answer to the connection, in ms, where the answer has its own timeout. */
const RECONNECT_WITHIN = 10_000;

/** The response of a TURN server to a wrong username or credential (RFC 8656). */
const UNAUTHORIZED = 401;

/** The parameters of a link. */
export interface LinkSetup {
  id: string;
  kinds: Kind[];
  mode: Mode;
  /** The tracks to send; null in mode "receive". */
  local: MediaStream | null;
  signalling: Signalling;
  metadata: Record<string, unknown> | null;
  token: string | null;
  configuration: RTCConfiguration | null;
  rtpParams: RtpParams | null;
  trickle: boolean;
  /** How long ICE may take after the answer, in ms; null for as long as connecting may take. */
  iceTimeout: Promise<number | null>;
  resume: ResumeRequest;
  /** Timeout of the answer in ms; null is the default, which includes the time to connect. */
  timeout: number | null;
  environment: Environment | undefined;
}

/** The events of a link over any transport. */
export interface LinkEvents {
  /** Called when the network is lost, temporarily or permanently. */
  disconnected: undefined;
  /** Called when the link has recovered by itself. */
  returned: undefined;
  /** Called with the reason when the link has ended, but not after `close()`. */
  closed: FastRTCError;
  remote: MediaStream;
  open: undefined;
  text: string;
  notice: FastRTCError;
  refused_candidate: FastRTCError;
}

/** Connects once; events after its end are ignored. */
export class Link extends Emitter<LinkEvents> {
  readonly peer: RTCPeerConnection;
  /** What the server has granted with its answer. */
  grant: ResumeGrant | null = null;
  #channel: RTCDataChannel;
  #remote: MediaStream;
  #playout = new PlayoutDelay();
  #life = new AbortController();
  #connected = false;
  #away = false;
  #hasAddress = false;
  #heard: number | null = null;
  #turnRefused = false;
  #awaitsAnswer = false;
  /** Resolves with the answer, or when the link has ended. */
  #answered: Promise<void>;
  #setAnswered: () => void = () => undefined;
  /** Requests that must reach the server before the end of candidates. */
  #sent: Promise<void>[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #settle: { resolve: () => void; reject: (error: FastRTCError) => void } | null = null;
  readonly #setup: LinkSetup;

  /** @throws FastRTCError if the configuration is invalid. */
  constructor(setup: LinkSetup) {
    super();
    this.#setup = setup;
    this.#answered = new Promise((resolve) => (this.#setAnswered = resolve));
    this.#remote = makeStream(setup.environment);
    this.peer = makePeer(setup);
    // This side creates the data channel; the server uses the one in the offer.
    this.#channel = this.peer.createDataChannel("text");
    this.#channel.onopen = () => {
      this.emit("open", undefined);
    };
    this.#channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (!this.#isOver() && typeof data === "string") this.emit("text", data);
    };
    this.#channel.onclose = () => {
      this.#end(endError());
    };
    this.peer.ontrack = ({ track }) => {
      this.#remote.addTrack(track);
      if (!this.#isOver()) this.emit("remote", this.#remote);
    };
    this.peer.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) this.#hasAddress = true;
      if (setup.trickle) void this.#trickle(candidate);
    };
    this.peer.onicecandidateerror = ({ errorCode }) => {
      if (errorCode === UNAUTHORIZED) this.#turnRefused = true;
    };
    this.peer.onconnectionstatechange = () => {
      this.#follow(this.peer.connectionState);
    };
    this.#addTracks();
  }

  /** Whether nothing arrives, or it has ended. */
  get lost(): boolean {
    return this.#away || this.#isOver();
  }

  #isOver(): boolean {
    return this.#life.signal.aborted;
  }

  /** Send the offer; resolves when connected, rejects with a FastRTCError on failure. */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#timer = setTimeout(() => {
        this.#end(this.#awaitsAnswer ? timeoutError() : this.#noWay());
      }, this.#setup.timeout ?? CONNECT_WITHIN);
      const negotiated = this.#negotiate().catch((error: unknown) => {
        this.#end(toFastRTCError(error));
      });
      this.#sent.push(negotiated);
    });
  }

  /** Send a string; false if the channel is not open. */
  send(text: string): boolean {
    if (this.#channel.readyState !== "open") return false;
    this.#channel.send(text);
    return true;
  }

  /** Return the browser's statistics. */
  async stats(before: Counts | null): Promise<{ stats: LinkStats; counts: Counts }> {
    return summarise(await this.peer.getStats(), before);
  }

  /** Return how long audio waits before it is played, in seconds; null if it is not known. */
  async playoutDelay(): Promise<number | null> {
    return this.#playout.read(await this.peer.getStats());
  }

  /** Replace the track of its kind. */
  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    const mine = this.peer
      .getTransceivers()
      .find(({ receiver }) => receiver.track.kind === track.kind);
    await mine?.sender.replaceTrack(track);
  }

  /** Return the RTP timestamp of the audio that was played last; null if it is not known. */
  heard(): Promise<number | null> {
    for (const { receiver } of this.peer.getTransceivers()) {
      if (receiver.track.kind !== "audio") continue;
      // Empty 10 s after the last packet; not all environments have it.
      const { getSynchronizationSources } = receiver as Partial<RTCRtpReceiver>;
      const [source] = getSynchronizationSources?.call(receiver) ?? [];
      this.#heard = source?.rtpTimestamp ?? this.#heard;
    }
    return Promise.resolve(this.#heard);
  }

  /** Close the link. The server notices immediately. */
  close(): void {
    if (this.#isOver()) return;
    this.#life.abort();
    this.#setAnswered();
    clearTimeout(this.#timer);
    this.#channel.close();
    this.peer.close();
    this.#settle?.reject(closedError());
  }

  #end(error: FastRTCError): void {
    if (this.#isOver()) return;
    const wasConnected = this.#connected;
    if (!wasConnected) this.#settle?.reject(error);
    this.close();
    if (wasConnected) this.emit("closed", error);
  }

  #addTracks(): void {
    const { kinds, mode, local, rtpParams } = this.#setup;
    const directions = {
      "send-receive": "sendrecv",
      send: "sendonly",
      receive: "recvonly",
    } as const;
    for (const kind of kinds) {
      const track = local?.getTracks().find((one) => one.kind === kind);
      const transceiver = this.peer.addTransceiver(track ?? kind, {
        direction: directions[mode],
        streams: local ? [local] : [],
      });
      if (rtpParams?.codecs) {
        const receiver = fromEnvironment(this.#setup.environment, "RTCRtpReceiver");
        const known = receiver?.getCapabilities(kind)?.codecs ?? [];
        transceiver.setCodecPreferences(sortCodecs(known, rtpParams.codecs));
      }
    }
  }

  async #negotiate(): Promise<void> {
    const { peer } = this;
    const setup = this.#setup;
    await peer.setLocalDescription(await peer.createOffer());
    if (!setup.trickle) {
      await this.#gathered();
      this.#endWithoutWay();
    }
    if (this.#isOver()) return;
    const { sdp, type } = peer.localDescription as RTCSessionDescription;
    this.#awaitsAnswer = true;
    const answer = (await setup.signalling.offer(
      {
        sdp,
        type,
        webrtc_id: setup.id,
        ...resumeFields(setup.resume),
        ...(setup.metadata && { metadata: setup.metadata }),
        client_version: VERSION,
      },
      this.#life.signal,
      setup.token,
    )) as Awaited<ReturnType<Signalling["offer"]>> | null; // Gradio returns null for an exception
    this.#awaitsAnswer = false;
    if (this.#isOver()) return;
    if (answer && "status" in answer && answer.status === "failed") throw refusalError(answer.meta);
    if (!answer || !("sdp" in answer)) {
      throw new FastRTCError("server_error", "The server had an error. See its log.");
    }
    const notice = otherVersion(answer.server_version);
    if (notice) this.emit("notice", notice);
    this.grant = readGrant(answer);
    await peer.setRemoteDescription({ sdp: answer.sdp, type: answer.type });
    this.#setAnswered();
    await this.#setParameters();
    const iceTimeout =
      (await setup.iceTimeout) ?? (setup.timeout === null ? null : RECONNECT_WITHIN);
    if (iceTimeout === null || this.#connected || this.#isOver()) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#end(this.#noWay());
    }, iceTimeout);
  }

  async #trickle(candidate: RTCIceCandidate | null): Promise<void> {
    if (candidate) {
      this.#sent.push(this.#sendCandidate(candidate.toJSON()));
    } else {
      await Promise.all(this.#sent); // requests may arrive out of order
      await this.#sendCandidate({ candidate: "", sdpMid: "0", sdpMLineIndex: 0 });
      this.#endWithoutWay(); // the server has been notified and frees the connection
    }
  }

  /** Fail early: only relay candidates are allowed, and the TURN server allocated none. */
  #endWithoutWay(): void {
    if (this.#turnRefused && !this.#hasAddress) this.#end(turnError());
  }

  #noWay(): FastRTCError {
    return this.#turnRefused ? turnError() : iceError();
  }

  async #sendCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    const { signalling, id, token, resume } = this.#setup;
    // Until the answer, the id is that of the lost connection.
    if (typeof resume === "object") await this.#answered;
    if (this.#isOver()) return;
    try {
      const body: CandidateBody = { candidate, type: "ice-candidate", webrtc_id: id };
      const answer = await signalling.offer(body, this.#life.signal, token);
      if ("status" in answer && answer.status === "failed") throw refusalError(answer.meta);
    } catch (error) {
      if (!this.#isOver()) this.emit("refused_candidate", toFastRTCError(error));
    }
  }

  #gathered(): Promise<void> {
    const { peer } = this;
    return new Promise((resolve) => {
      const look = () => {
        if (peer.iceGatheringState === "complete") resolve();
      };
      peer.onicegatheringstatechange = look;
      look();
    });
  }

  async #setParameters(): Promise<void> {
    if (!this.#setup.rtpParams) return;
    const { encodings = [], ...rest } = this.#setup.rtpParams;
    delete rest.codecs; // a codec preference, already set on the transceiver
    for (const sender of this.peer.getSenders()) {
      if (!sender.track) continue;
      const parameters = Object.assign(sender.getParameters(), rest);
      encodings.forEach((one, index) => Object.assign(parameters.encodings[index] ?? {}, one));
      try {
        await sender.setParameters(parameters);
      } catch (error) {
        const sentence = `The browser does not take rtp_params: ${toFastRTCError(error).message}`;
        this.emit("notice", new FastRTCError("bad_configuration", sentence));
      }
    }
  }

  #follow(state: RTCPeerConnectionState): void {
    if (this.#isOver()) return;
    if (state === "connected") {
      clearTimeout(this.#timer);
      const first = !this.#connected;
      this.#connected = true;
      if (first) {
        this.#settle?.resolve();
        void this.#watch();
      } else this.#setAway(false);
    } else if (state === "disconnected") {
      this.#setAway(true);
    } else if (state === "failed") {
      this.#end(this.#connected ? lostLinkError() : this.#noWay());
    } else if (state === "closed") {
      this.#end(endError());
    }
  }

  /** Watch for silence, which browsers report only after 8 s, such as when the server is gone. */
  async #watch(): Promise<void> {
    const detector = new SilenceDetector();
    for (;;) {
      await pause(LOOK_EVERY, this.#life.signal);
      if (this.#isOver()) return;
      const report = await this.peer.getStats().catch(() => new Map<string, unknown>());
      if (this.#isOver()) return;
      const silent = detector.isSilent(countArrived(report), performance.now());
      this.#setAway(silent || this.peer.connectionState === "disconnected");
    }
  }

  #setAway(away: boolean): void {
    if (away === this.#away) return;
    this.#away = away;
    if (away) void this.heard();
    this.emit(away ? "disconnected" : "returned", undefined);
  }
}

function makePeer({ environment, configuration }: LinkSetup): RTCPeerConnection {
  const Peer = fromEnvironment(environment, "RTCPeerConnection");
  if (!Peer) throw noWebRTC();
  try {
    return new Peer(configuration ?? {});
  } catch (error) {
    const reason = toFastRTCError(error).message;
    throw new FastRTCError(
      "bad_configuration",
      `The browser does not take rtc_configuration: ${reason}`,
    );
  }
}

function sortCodecs(known: RTCRtpCodec[], preferred: string[]): RTCRtpCodec[] {
  const wanted = preferred.map((name) => name.toLowerCase());
  const rank = ({ mimeType }: RTCRtpCodec) => {
    const index = wanted.indexOf(mimeType.toLowerCase());
    return index < 0 ? wanted.length : index;
  };
  return [...known].sort((one, other) => rank(one) - rank(other));
}
