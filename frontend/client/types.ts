/** Public types of the JavaScript client. No code. */

import type { FastRTCError } from "./errors";
import type { ConversationSnapshot } from "./conversation";
import type { Transcript } from "./transcripts";
import type { TurnRecord } from "./turn_log";

/** The media of a stream, the same as the server's `modality`. */
export type Modality = "audio" | "video" | "audio-video";

/** The direction from the page's point of view, the same as the server's `mode`. */
export type Mode = "send-receive" | "send" | "receive";

/**
 * How audio travels: over WebRTC, over a WebSocket, or over WebRTC with a WebSocket where the
 * network blocks it.
 */
export type TransportChoice = "webrtc" | "websocket" | "auto";

/** The kind of a track. */
export type Kind = "audio" | "video";

/**
 * The state of a connection.
 *
 * - `idle`: not started.
 * - `asking`: the browser asks the user for device access.
 * - `connecting`: sending the offer, or ICE has not found a route yet.
 * - `connected`: media is flowing.
 * - `reconnecting`: the network was lost, and the client tries to resume the session, or to start
 *   a new one.
 * - `stopped`: ended by the user, or by the server (then `error` has the reason).
 * - `failed`: ended by `error`.
 */
export type ConnectionState =
  "idle" | "asking" | "connecting" | "connected" | "reconnecting" | "stopped" | "failed";

/** A change of state. */
export interface StateChange {
  /** The new state. */
  state: ConnectionState;
  /** The state before. */
  previous: ConnectionState;
  /** The connection id: the same after a resume, a new one for a new session. */
  id: string | null;
  /** Why it failed, or why the server ended it; null when the user stopped it. */
  error: FastRTCError | null;
  /** Whether the same session goes on after its connection was lost, when it is `connected`. */
  resumed: boolean;
}

/** The progress of a reconnect. */
export interface Reconnecting {
  /** The number of the attempt; 0 while the lost connection may still recover. */
  attempt: number;
  /** Whether the attempt is to resume the session; otherwise it starts a new one. */
  resumes: boolean;
  /** How much longer the server keeps the session, in ms; null if it cannot be resumed. */
  timeLeft: number | null;
}

/** The fields of an offer or a `start` about the resumption of the session. */
export interface ResumeFields {
  /** True asks for a session that can be resumed; the secret of one resumes it. */
  resume?: true | string;
  /** How many messages of this session the client has received. */
  received?: number;
  /** What was played last: an RTP timestamp, or the number of samples of a WebSocket. */
  heard?: number;
}

/** The request body of an offer. */
export interface OfferBody extends ResumeFields {
  /** The description of the session (SDP). */
  sdp: string;
  /** `"offer"`. */
  type: RTCSdpType;
  /** The id of the connection. */
  webrtc_id: string;
  /** The `metadata` of the options. */
  metadata?: Record<string, unknown>;
  /** The version of the client: a server that gets it answers with its own. */
  client_version?: string;
}

/** The request body of a candidate (trickle ICE); an empty `candidate` ends them (RFC 8838). */
export interface CandidateBody {
  /** The candidate, as `RTCIceCandidate.toJSON()` returns it. */
  candidate: RTCIceCandidateInit;
  /** Distinguishes it from an offer. */
  type: "ice-candidate";
  /** The id of the connection. */
  webrtc_id: string;
}

/** The server's answer to an offer. */
export interface Answer {
  /** The description of the session (SDP). */
  sdp: string;
  /** `"answer"`. */
  type: RTCSdpType;
  /** The version of a server that was told that of the client. */
  server_version?: string;
  /** Present if the session can be resumed. */
  resume?: {
    /** Resumes the session; each answer has a new one. */
    secret: string;
    /** How long the server keeps the session after a loss, in seconds. */
    within_s: number;
    /** Whether the session has been resumed. */
    resumed?: boolean;
    /** How many messages of this session the server has received. */
    received?: number;
  };
}

/** The server's refusal of an offer or a candidate. */
export interface Refusal {
  /** Distinguishes it from an answer. */
  status: "failed";
  /** Why. */
  meta: {
    /** The reason, such as `concurrency_limit_reached`. */
    error: string;
    /** The limit that was reached, if it is one. */
    limit?: number;
  };
}

/** The server's confirmation of a candidate. */
export interface Accepted {
  /** Distinguishes it from a refusal. */
  status: "success";
}

/** Transport for offers, candidates and answers. */
export interface Signalling {
  /**
   * The address of the WebSocket route of the same stream, if there is one; or a function that
   * returns it, which is called for each connection.
   */
  websocket?: string | null | (() => Promise<string | null>);
  /**
   * Send an offer or a candidate.
   *
   * @param body The offer or candidate.
   * @param signal Aborted when the answer is no longer needed; may be ignored.
   * @param token The token of the connection, if it has one: for the `Authorization` header.
   * @throws FastRTCError if the server cannot be reached or responds with an error.
   */
  offer(
    body: OfferBody | CandidateBody,
    signal?: AbortSignal,
    token?: string | null,
  ): Promise<Answer | Refusal | Accepted>;
}

/** Track constraints: for a single kind, or nested by kind. */
export type TrackConstraints =
  | MediaTrackConstraints
  | { audio?: MediaTrackConstraints | boolean; video?: MediaTrackConstraints | boolean };

/** The devices to use; the browser's defaults if empty. */
export interface DeviceChoice {
  /** The `deviceId` of the microphone. */
  microphoneId?: string | null;
  /** The `deviceId` of the camera. */
  cameraId?: string | null;
}

/** Parameters of each sender, for `RTCRtpSender.setParameters`; and the codec preference. */
export interface RtpParams {
  /** What to keep when bandwidth is scarce, such as `"maintain-resolution"`. */
  degradationPreference?: RTCDegradationPreference;
  /** Parameters of each encoding, such as `[{ maxBitrate: 500000 }]`. */
  encodings?: Partial<RTCRtpEncodingParameters>[];
  /** MIME types of codecs such as `"video/VP8"`, preferred first. */
  codecs?: string[];
}

/** How to reconnect after a network loss. */
export interface ReconnectOptions {
  /** Number of attempts to start a new session before giving up. Default 6. */
  tries?: number;
  /**
   * How long a connection may be disconnected before a new offer is sent, in ms. Default 1000 if
   * the session can be resumed, otherwise 3000.
   */
  grace?: number;
  /** Delay before the second attempt, in ms; doubled for each further one. Default 1000. */
  backOff?: number;
  /** Whether a new session follows one that cannot be resumed. Default true. */
  newSession?: boolean;
}

/** Answers a call of the program: gets its data, and returns the result or a promise of it. */
export type CallHandler = (data: never) => unknown;

/**
 * What the client uses of the browser. Each default is the global of that name, when it is used;
 * without it, the feature is missing.
 */
export interface Environment {
  /** Connects. */
  RTCPeerConnection?: new (configuration?: RTCConfiguration) => RTCPeerConnection;
  /** For `rtpParams.codecs`. */
  RTCRtpReceiver?: Pick<typeof RTCRtpReceiver, "getCapabilities">;
  /** Holds the tracks of each side. */
  MediaStream?: new (tracks?: MediaStreamTrack[]) => MediaStream;
  /** Microphones and cameras. Default: `navigator.mediaDevices`. */
  mediaDevices?: MediaDevices;
  /** For the levels, and the audio over a WebSocket. */
  AudioContext?: new () => AudioContext;
  /** For the audio over a WebSocket. */
  AudioWorkletNode?: new (
    context: BaseAudioContext,
    name: string,
    options?: AudioWorkletNodeOptions,
  ) => AudioWorkletNode;
  /** For the level of received audio, in Chrome. */
  Audio?: new () => HTMLAudioElement;
  /** For the audio over a WebSocket. */
  WebSocket?: new (url: string, protocols?: string[]) => WebSocket;
  /** Sends offers and candidates. */
  fetch?: typeof fetch;
  /** For random ids; not needed with the option `id`. */
  crypto?: Pick<Crypto, "getRandomValues">;
}

/** The options of a connection. */
export interface ConnectionOptions {
  /** Carries offers and answers. Default: `httpSignalling` to the stream at `url`. */
  signalling?: Signalling;
  /**
   * Where the stream is mounted, such as `"/api"` or `"http://localhost:8000"`: offers go to
   * `/webrtc/offer` below it. Default: the root of the page's server. Unused with `signalling`.
   */
  url?: string;
  /** Replaces parts of the browser, for example in React Native or Node. */
  environment?: Environment;
  /**
   * How the audio travels. Default `"webrtc"`. `"auto"` goes over to a WebSocket, for audio only,
   * if ICE has not connected within 5 s, if UDP was blocked before, or if the browser has no
   * WebRTC; a `notice` says so.
   */
  transport?: TransportChoice;
  /** The media, as the stream's `modality`. Default `"audio"`. */
  modality?: Modality;
  /** The direction, as the stream's `mode`; `"receive"` requests no device. Default `"send-receive"`. */
  mode?: Mode;
  /** The id, or a function that returns one. Default: random. Each new session uses a new one. */
  id?: string | (() => string);
  /** For `RTCPeerConnection`: STUN and TURN servers. A function is called for each offer. */
  rtcConfiguration?:
    RTCConfiguration | null | (() => RTCConfiguration | null | Promise<RTCConfiguration | null>);
  /**
   * Constraints for `getUserMedia`. Default: echo cancellation, noise suppression and gain control;
   * video of 640 x 480.
   */
  trackConstraints?: TrackConstraints | null;
  /** Parameters of each sender. Default: the browser's. */
  rtpParams?: RtpParams | null;
  /** Sent to the program, where it is the `metadata` of the context: JSON of up to 16 KB. */
  metadata?: Record<string, unknown> | null;
  /** A token of `Stream.tokens`, for one connection; a function is called for each attempt. */
  token?: string | null | (() => string | null | Promise<string | null>);
  /** The devices to open. Default: the browser's. */
  devices?: DeviceChoice;
  /** Whether and how to reconnect after a network loss. Default true. */
  reconnect?: boolean | ReconnectOptions;
  /**
   * Whether to ask the server to keep the session when the connection is lost, and to resume it.
   * Default true, unless `reconnect` is false. Servers without it are not affected.
   */
  resume?: boolean;
  /** Trickle ICE: send candidates as they are gathered, not within the offer. Default true. */
  trickle?: boolean;
  /**
   * `"manual"`: send silence until `begin()` is called, from the start. Otherwise the same happens
   * as soon as the server says that its `turn_detection` is manual.
   */
  turnDetection?: "manual";
}

/** Who decides about turns, and whether it is the user's. */
export interface TurnState {
  /** Whether the client decides when a turn begins and ends (push to talk). */
  manual: boolean;
  /** Whether a turn has begun with `begin()` and not ended. */
  talking: boolean;
}

/** A message from the server: JSON with a `type`. Programs may define their own types. */
export interface ServerMessage {
  /** What it is about. */
  type: string;
  /** Its content, if any. */
  data?: unknown;
  /** The text of an `error` or `warning`; also in `data`. */
  message?: string;
  /** Further fields of messages of the program. */
  [key: string]: unknown;
}

/** Which local tracks are muted. */
export interface MuteState {
  /** Whether silence is sent. */
  microphone: boolean;
  /** Whether black frames are sent. */
  camera: boolean;
}

/** The events of a connection by name, and their details. */
export interface ConnectionEvents {
  /** The state has changed. */
  state: StateChange;
  /** An attempt to reconnect begins, or the connection was lost (attempt 0). */
  reconnecting: Reconnecting;
  /** The stream to send: the devices are open, or another one was selected. */
  local: MediaStream;
  /** The stream from the server. */
  remote: MediaStream;
  /** The data channel is open, so `send()` works. */
  open: undefined;
  /** Every message from the server, including unknown types. */
  message: ServerMessage;
  /** The handler requests its inputs. */
  send_input: ServerMessage;
  /** There are additional outputs to fetch. */
  fetch_output: ServerMessage;
  /** `started_talking`, `pause_detected`, `response_starting`, or a log message of a handler. */
  log: string;
  /** The user started to speak after a stop word; without stop words this is a `log`. */
  started_talking: string;
  /** A reply was interrupted by the user (barge-in), or by another reply of the program. */
  interrupted: string;
  /** A stop word (wake word) was recognized. */
  stopword: string;
  /** The server ends the stream for this reason. The state `stopped` follows. */
  end_stream: string;
  /** The server requests another state of the connection, such as `closed`. */
  update_connection: string;
  /** An error in the handler, for the user; the connection may continue. */
  error: string;
  /** A warning of the handler, for the user. */
  warning: string;
  /** A problem for the user to know about that does not end the connection. */
  notice: FastRTCError;
  /** The server refused a candidate; another one may still succeed. */
  refused_candidate: FastRTCError;
  /** A message was sent on the data channel. */
  sent: unknown;
  /** A track was muted or unmuted. */
  mute: MuteState;
  /** Other devices were selected, or the default device replaced an unplugged one. */
  devices: DeviceChoice;
  /** The state of the conversation, such as listening, thinking or speaking. */
  conversation: ConversationSnapshot;
  /** A new transcript of the program, or a new version of one. */
  transcript: Transcript;
  /** Whether the program records the connection, when that has changed. */
  recording: boolean;
  /** A turn has begun, more is known of it, or it has ended. */
  timeline: TurnRecord;
  /** A turn began or ended with `begin()`, `commit()` or `cancel()`, or turns became manual. */
  turn: TurnState;
}

/** Statistics of the connection; null if not known (yet). */
export interface StreamStats {
  /** The ICE route: `host` and `prflx` direct, `srflx` through a NAT, `relay` through TURN. */
  route: "host" | "srflx" | "prflx" | "relay" | null;
  /** The protocol of the route; for a relay, that between the client and the TURN server. */
  protocol: "udp" | "tcp" | "tls" | null;
  /** The round-trip time, in seconds. */
  roundTrip: number | null;
  /** The jitter of the received audio, or of the video if there is none, in seconds. */
  jitter: number | null;
  /** Packet loss in both directions, 0 to 1; that of sent packets as last reported by the server. */
  loss: number | null;
  /** The bitrate of what is sent, in bit/s, since the previous call. */
  sending: number | null;
  /** The bitrate of what is received, in bit/s, since the previous call. */
  receiving: number | null;
  /** The received video: its size in pixels, and its frame rate. */
  picture: { width: number; height: number; framesPerSecond: number } | null;
  /** The codecs in both directions, such as `opus`. */
  codecs: string[];
  /** From the server's end-of-turn detection to the first audio of the last reply, in ms. */
  latency: number | null;
  /** The same from the end of the user's speech, which includes the time for endpointing. */
  latencyFromSpeech: number | null;
}

/** A device of the user. Its label is empty until permission is granted. */
export interface Device {
  /** Its `deviceId`. */
  id: string;
  /** Its name, for the user. */
  label: string;
}

/** The available devices. */
export interface DeviceList {
  /** The microphones. */
  microphones: Device[];
  /** The cameras. */
  cameras: Device[];
  /** The speakers; none in browsers that do not let a page select one. */
  speakers: Device[];
}
