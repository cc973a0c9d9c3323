/** The words that the client core and those who use it share. Types only: nothing runs here. */

import type { FastRTCError } from "./errors";
import type { ConversationSnapshot } from "./conversation";

/** Which media a stream carries; the same as the server's `modality`. */
export type Modality = "audio" | "video" | "audio-video";

/** In which direction they flow, seen from the page; the same as the server's `mode`. */
export type Mode = "send-receive" | "send" | "receive";

/** The kind of a track. */
export type Kind = "audio" | "video";

/**
 * Where a connection stands.
 *
 * - `idle`: not started yet.
 * - `asking`: the browser asks the user for the devices.
 * - `connecting`: the offer is on its way, or no way to the server is found yet.
 * - `connected`: media flow.
 * - `reconnecting`: it was connected, the network is gone, it tries to come back.
 * - `stopped`: ended by the user, or by the server (then `error` says why).
 * - `failed`: ended by what `error` says.
 */
export type ConnectionState =
  "idle" | "asking" | "connecting" | "connected" | "reconnecting" | "stopped" | "failed";

/** A change of state. */
export interface StateChange {
  state: ConnectionState;
  previous: ConnectionState;
  /** The id that the server knows the connection by; a new one after a reconnection. */
  id: string | null;
  /** Why it failed, or why the server ended it; null when the user stopped it. */
  error: FastRTCError | null;
}

/** What is sent to offer a connection. */
export interface OfferBody {
  sdp: string;
  type: RTCSdpType;
  webrtc_id: string;
}

/** What is sent for each candidate; an empty `candidate` text ends them (RFC 8838). */
export interface CandidateBody {
  candidate: RTCIceCandidateInit;
  type: "ice-candidate";
  webrtc_id: string;
}

/** The server's answer to an offer. */
export interface Answer {
  sdp: string;
  type: RTCSdpType;
}

/** The server's refusal of an offer or a candidate. */
export interface Refusal {
  status: "failed";
  meta: { error: string; limit?: number };
}

/** The server has taken a candidate. */
export interface Accepted {
  status: "success";
}

/** The way of offers and candidates to the server, and of the answers back. */
export interface Signalling {
  /**
   * Send an offer or a candidate.
   *
   * @param body What to send.
   * @param signal Aborted when the answer is no longer wanted; may be ignored.
   * @throws FastRTCError when the server cannot be reached or answers with an error.
   */
  offer(
    body: OfferBody | CandidateBody,
    signal?: AbortSignal,
  ): Promise<Answer | Refusal | Accepted>;
}

/** Constraints on tracks: of the one kind there is, or nested by kind. */
export type TrackConstraints =
  | MediaTrackConstraints
  | { audio?: MediaTrackConstraints | boolean; video?: MediaTrackConstraints | boolean };

/** Which devices to use; the browser's default when empty. */
export interface DeviceChoice {
  microphoneId?: string | null;
  cameraId?: string | null;
}

/**
 * Parameters of the senders, as `RTCRtpSender.setParameters` takes them
 * (`{ degradationPreference: "maintain-resolution" }`, `{ encodings: [{ maxBitrate: 500000 }] }`).
 * `codecs` orders the codecs instead: MIME types such as `"video/VP8"`, the preferred one first.
 */
export interface RtpParams {
  degradationPreference?: RTCDegradationPreference;
  encodings?: Partial<RTCRtpEncodingParameters>[];
  codecs?: string[];
}

/** How to come back after the network was lost. */
export interface ReconnectOptions {
  /** How many new offers are made before giving up. Default 6. */
  tries?: number;
  /** How long a connection may be disconnected before a new offer is made, in ms. Default 3000. */
  grace?: number;
  /** How long to wait before the second try, in ms; doubled for each one after. Default 1000. */
  backOff?: number;
}

/** What a connection is made with. */
export interface ConnectionOptions {
  /** The way to the server. Default: `httpSignalling("/webrtc/offer")`. */
  signalling?: Signalling;
  /** Default `"audio"`. */
  modality?: Modality;
  /** Default `"send-receive"`. */
  mode?: Mode;
  /** The id, or what makes one. Default: a random one. A reconnection makes a new one. */
  id?: string | (() => string);
  /** For the `RTCPeerConnection`: STUN and TURN servers. A function is asked for each offer. */
  rtcConfiguration?:
    RTCConfiguration | null | (() => RTCConfiguration | null | Promise<RTCConfiguration | null>);
  /** Default: echo cancellation, noise suppression and gain control; a picture of 640 x 480. */
  trackConstraints?: TrackConstraints | null;
  rtpParams?: RtpParams | null;
  devices?: DeviceChoice;
  /** Whether and how to come back after the network was lost. Default true. */
  reconnect?: boolean | ReconnectOptions;
  /** Whether candidates are sent as they are found, or all within the offer. Default true. */
  trickle?: boolean;
}

/** A message of the server: JSON with a `type`. Programs invent types of their own. */
export interface ServerMessage {
  type: string;
  data?: unknown;
  /** The text of `error` and `warning`; `data` holds it, too. */
  message?: string;
  [key: string]: unknown;
}

/** Which local tracks are muted. */
export interface MuteState {
  microphone: boolean;
  camera: boolean;
}

/** The events of a connection, by name, and what their listeners get. */
export interface ConnectionEvents {
  /** The state has changed. */
  state: StateChange;
  /** The devices are open, or another one was chosen: what is sent. */
  local: MediaStream;
  /** What the server sends. */
  remote: MediaStream;
  /** The data channel is open: `send()` works from now on. */
  open: undefined;
  /** Every message of the server, also of types that nobody knows. */
  message: ServerMessage;
  /** The handler wants its inputs. */
  send_input: ServerMessage;
  /** There are additional outputs to fetch. */
  fetch_output: ServerMessage;
  /** `started_talking`, `pause_detected`, `response_starting`, or what a handler logs. */
  log: string;
  /** After a stop word the user started to talk; without stop words this is a `log`. */
  started_talking: string;
  /** A reply was cut because the user spoke, or because the program asked for another one. */
  interrupted: string;
  /** The stop word was heard. */
  stopword: string;
  /** The server ends the stream; the text is the reason. The state `stopped` follows. */
  end_stream: string;
  /** The server wants another state of the connection, such as `closed`. */
  update_connection: string;
  /** An error in the handler, for the user to read; the connection may go on. */
  error: string;
  /** A warning of the handler, for the user to read. */
  warning: string;
  /** Something of the connection that the user should know and that does not end it. */
  notice: FastRTCError;
  /** The server did not take a candidate. Any other one may still lead to it. */
  refused_candidate: FastRTCError;
  /** What was sent on the data channel. */
  sent: unknown;
  /** A track was muted or unmuted. */
  mute: MuteState;
  /** Other devices were chosen, or the default one takes the place of one that was unplugged. */
  devices: DeviceChoice;
  /** The conversation has moved on: listening, heard, thinking, speaking, interrupted. */
  conversation: ConversationSnapshot;
}

/** What the connection costs and how well it works; null where it is not known (yet). */
export interface StreamStats {
  /** How the server is reached: `host` and `prflx` directly, `srflx` through a NAT, `relay` by TURN. */
  route: "host" | "srflx" | "prflx" | "relay" | null;
  protocol: "udp" | "tcp" | "tls" | null;
  /** In seconds. */
  roundTrip: number | null;
  /** In seconds; of the received sound, else of the picture. */
  jitter: number | null;
  /** The share of packets that was lost, 0 to 1; of those sent, as far as the server has told. */
  loss: number | null;
  /** In bit/s, since the call before. */
  sending: number | null;
  /** In bit/s, since the call before. */
  receiving: number | null;
  picture: { width: number; height: number; framesPerSecond: number } | null;
  codecs: string[];
  /** From the pause that the server found to the first sound of the last answer, in ms. */
  latency: number | null;
  /** The same from the end of the user's speech: it has the time that it takes to find the pause. */
  latencyFromSpeech: number | null;
}

/** A device of the user's. Its label is empty until a permission was given. */
export interface Device {
  id: string;
  label: string;
}

/** The devices there are. */
export interface DeviceList {
  microphones: Device[];
  cameras: Device[];
  speakers: Device[];
}
