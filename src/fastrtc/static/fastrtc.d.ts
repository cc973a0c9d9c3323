/*! fastrtc 0.1.0 | MIT licence | built from frontend/, see frontend/README.md */
/** Errors of the client. */
/** Error codes, for programs. */
type ErrorCode = "permission_denied" | "no_device" | "device_in_use" | "device_constraints" | "device_failed" | "device_lost" | "insecure_page" | "no_webrtc" | "concurrency_limit_reached" | "connection_already_exists" | "unknown_connection" | "connection_closed" | "invalid_candidate_format" | "turn_server_failed" | "unauthorized" | "cross_site" | "unknown_host" | "too_many_connecting" | "udp_ports_in_use" | "port_unavailable" | "server_stopping" | "resume_refused" | "resume_elsewhere" | "refused" | "bad_offer" | "forbidden" | "not_found" | "server_unreachable" | "server_timeout" | "server_unavailable" | "server_error" | "server_gone" | "ice_failed" | "turn_refused" | "connection_lost" | "using_websocket" | "bad_configuration" | "other_version" | "call_failed" | "time_limit_reached" | "idle_timeout" | "replaced" | "ended_by_server" | "handler_error" | "unexpected";
/** An error with a message for users. */
declare class FastRTCError extends Error {
    /** The error code, for programs. */
    readonly code: ErrorCode;
    /** The message for users: what happened, and what to do. */
    readonly sentence: string;
    /** Further details, such as the `limit` of connections. */
    readonly details: Readonly<Record<string, unknown>>;
    /** The name of the class. */
    name: string;
    constructor(
    /** The error code, for programs. */
    code: ErrorCode, 
    /** The message for users: what happened, and what to do. */
    sentence: string, 
    /** Further details, such as the `limit` of connections. */
    details?: Readonly<Record<string, unknown>>);
}
/** Convert any thrown value to an error with a message. */
declare function toFastRTCError(thrown: unknown): FastRTCError;

/** "microphone", "camera", or "microphone and camera". */
declare function deviceNames(kinds: readonly Kind[]): string;
/** Describe why the browser opened no device; `thrown` is the rejection of `getUserMedia`. */
declare function deviceError(thrown: unknown, kinds: readonly Kind[]): FastRTCError;
/** Describe why the server refused the connection; `meta` is from its refusal. */
declare function refusalError(meta?: {
    error?: unknown;
    limit?: unknown;
    reason?: unknown;
}): FastRTCError;
/** Describe an HTTP status; `detail` is from FastAPI. */
declare function httpError(status: number, detail?: unknown): FastRTCError;
/** Describe why the server ended the stream; `reason` is from its `end_stream`. */
declare function endError(reason?: string, code?: unknown): FastRTCError;
/** The error of a connection that was lost. */
declare function lostLinkError(): FastRTCError;
/** The error of an attempt that is not needed any more. */
declare function closedError(): FastRTCError;
/** The error of an environment without WebRTC, or a part of it. */
declare function noWebRTC(): FastRTCError;
/** The error for a request that timed out. */
declare function timeoutError(): FastRTCError;
/** The error when ICE finds no route. */
declare function iceError(): FastRTCError;
/** The error when ICE finds no route and the TURN server refused the credentials (401). */
declare function turnError(): FastRTCError;
/** Tell the user that the stream works, but not over WebRTC. */
declare function fallBackNotice(): FastRTCError;
/** The error of a server that cannot be reached. */
declare function unreachableError(details?: {}): FastRTCError;
/** Describe why the server closed a WebSocket. */
declare function closeError(code: number, reason: string): FastRTCError;
/** The error when reconnecting failed; `last` is the error of the last attempt. */
declare function lostError(last: FastRTCError): FastRTCError;

/** The level of silence, in dB of full scale. */
declare const SILENCE = -60;
/** Measures one stream. */
declare class Meter {
    #private;
    constructor(context: AudioContext, stream: MediaStream);
    /** The current level in dB of full scale: -60 (silence) to 0. */
    level(): number;
    /** The RMS of the last 43 ms, 0 to 1. */
    rms(): number;
    /** The levels of `count` bands of the voice frequencies, low to high, each 0 to 1. */
    bands(count: number): number[];
    /** Stop measuring. */
    close(): void;
}
/** Meters for the sent and received audio of a connection. */
declare class Levels {
    #private;
    /** The audio context, which was created in the click. */
    readonly context: AudioContext;
    local: Meter | null;
    remote: Meter | null;
    private constructor();
    /** Create the meters; null without Web Audio. Call it in a click, or browsers suspend it. */
    static open(environment?: Environment): Levels | null;
    /** Measure the sent audio. */
    watchLocal(stream: MediaStream): void;
    /** Measure the received audio. */
    watchRemote(stream: MediaStream): void;
    /** Release everything. */
    close(): void;
}
/** Convert an RMS value (0 to 1) to dB, but not below silence. */
declare function toDecibels(rms: number): number;
/**
 * Group a spectrum into bands of equal perceived width.
 *
 * @param strengths Levels of equally wide bins from 0 Hz to half the sample rate, 0 to 255.
 * @returns The mean of each band, 0 to 1.
 */
declare function toBands(strengths: Uint8Array, sampleRate: number, count: number): number[];

/** State of the conversation, from the server's messages and audio levels. No clock. */
/**
 * - `listening`: neither side speaks.
 * - `heard`: the server has detected the user's speech.
 * - `waiting`: the user is silent, but does not seem to have finished.
 * - `thinking`: the user has paused; the reply is being generated.
 * - `speaking`: the reply is audible.
 * - `paused`: the user speaks during the reply, and may want to interrupt it.
 * - `resumed`: the reply goes on, because it was no interruption; `speaking` follows.
 * - `interrupted`: the user has interrupted the reply (barge-in).
 *
 * `waiting`, `paused` and `resumed` occur only if the server reports its own states.
 */
type ConversationState = "listening" | "heard" | "waiting" | "thinking" | "speaking" | "paused" | "resumed" | "interrupted";
/** The state, and the latency of the last reply. */
interface ConversationSnapshot {
    /** Who speaks, or is about to. */
    state: ConversationState;
    /** From the server's end-of-turn detection to the first audio of the reply, in ms. */
    latency: number | null;
    /** From the end of the user's speech to the first audio of the reply, in ms. */
    latencyFromSpeech: number | null;
}
/** Tracks a conversation: pass it events with the time in ms, and read `snapshot`. */
declare class Conversation {
    #private;
    /** The current state. */
    get snapshot(): ConversationSnapshot;
    /** Process a log message of the server; those that are not about turns are ignored. */
    log(what: string, now: number): void;
    /** Process the server's own state; unknown ones are ignored. */
    report(name: string, now: number): void;
    /** Process an error of the handler: the user's current speech gets no reply. */
    fail(now: number): void;
    /** Process the current levels of both sides, in dB of full scale. */
    measure(local: number, remote: number, now: number): void;
}

/** The side that speaks: the user, or the assistant, which is the program. */
type Speaker = "user" | "assistant";
/** What one side has said: a `Transcript` of the program. */
interface Transcript {
    /** The same for all versions of a text; others have other keys. */
    key: number;
    /** Who has said it. */
    who: Speaker;
    /** The text; empty when the program has withdrawn it. */
    text: string;
    /** Whether it is complete; otherwise another version may follow. */
    final: boolean;
    /** The program's name of it, if any. */
    id: string | null;
    /** Whether the user has interrupted the reply while this was said. */
    interrupted: boolean;
}
/** The newest transcripts of a conversation. */
declare class Transcripts {
    #private;
    /** @param changed Called with each new transcript and each new version. */
    constructor(changed: (transcript: Transcript) => void);
    /** The transcripts, newest last. */
    get list(): readonly Transcript[];
    /** Process a message of the server; those that are not about transcripts are ignored. */
    receive({ type, data }: ServerMessage): void;
    /** Follow the id of the connection: another session of the program has names of its own. */
    follow(id: string | null): void;
    /** Forget all, for a new conversation. */
    clear(): void;
}

/**
 * A turn: the user's speech and the reply, or a reply of the program's own accord.
 *
 * Times are in seconds on one clock; null is unknown, or has not happened (yet).
 */
interface TurnRecord {
    /** 1 for the first turn of the conversation. */
    number: number;
    /** The program's record, or what the page has derived from messages and levels. */
    source: "program" | "page";
    /** `audio` is output of a handler that has no turns. */
    kind: "reply" | "say" | "start_up" | "audio";
    /** How it ended; null while it goes on. */
    outcome: "completed" | "interrupted" | "failed" | null;
    /** The onset of the user's speech. */
    speechBegan: number | null;
    /** The end of the user's speech. */
    speechEnded: number | null;
    /** When the user's turn counted as over. */
    turnEnded: number | null;
    /** Why the user's turn counted as over. */
    endedBy: "pause" | "model" | "stop_word" | "manual" | "maximum" | "program" | null;
    /** When the function of the handler was called. */
    functionCalled: number | null;
    /** When it yielded something for the first time. */
    firstOutput: number | null;
    /** When it yielded audio for the first time. */
    firstAudio: number | null;
    /** When it returned. */
    functionEnded: number | null;
    /** When the first audio of the reply was sent. */
    firstSent: number | null;
    /** When the first audio of the reply was played at the client. */
    firstHeard: number | null;
    /** When the last audio of the reply was sent. */
    lastSent: number | null;
    /** When the reply was interrupted. */
    interrupted: number | null;
    /** How much of the reply was played, in seconds. */
    played: number | null;
    /** The exception of a reply that failed. */
    error: string | null;
}
/** Read a `Turn` of the program, the data of a message of type `turn`; null if it is none. */
declare function readTurn(data: unknown): TurnRecord | null;
/** The newest turns of a conversation. */
declare class TurnLog {
    #private;
    /** @param changed Called with each new turn, and each time that more is known of one. */
    constructor(changed: (turn: TurnRecord) => void);
    /** The turns, newest last. */
    get list(): readonly TurnRecord[];
    /** Process a message of the server; those that are no records are ignored. */
    receive({ type, data }: ServerMessage): void;
    /** Process the state of the conversation; the time is in ms. */
    follow(snapshot: ConversationSnapshot, time: number): void;
    /** End the turn that goes on: the connection is lost or has ended; the time is in ms. */
    end(time: number): void;
    /** Forget all, for a new conversation. */
    clear(): void;
}

/** The media of a stream, the same as the server's `modality`. */
type Modality = "audio" | "video" | "audio-video";
/** The direction from the page's point of view, the same as the server's `mode`. */
type Mode = "send-receive" | "send" | "receive";
/**
 * How audio travels: over WebRTC, over a WebSocket, or over WebRTC with a WebSocket where the
 * network blocks it.
 */
type TransportChoice = "webrtc" | "websocket" | "auto";
/** The kind of a track. */
type Kind = "audio" | "video";
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
type ConnectionState = "idle" | "asking" | "connecting" | "connected" | "reconnecting" | "stopped" | "failed";
/** A change of state. */
interface StateChange {
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
interface Reconnecting {
    /** The number of the attempt; 0 while the lost connection may still recover. */
    attempt: number;
    /** Whether the attempt is to resume the session; otherwise it starts a new one. */
    resumes: boolean;
    /** How much longer the server keeps the session, in ms; null if it cannot be resumed. */
    timeLeft: number | null;
}
/** The fields of an offer or a `start` about the resumption of the session. */
interface ResumeFields {
    /** True asks for a session that can be resumed; the secret of one resumes it. */
    resume?: true | string;
    /** How many messages of this session the client has received. */
    received?: number;
    /** What was played last: an RTP timestamp, or the number of samples of a WebSocket. */
    heard?: number;
}
/** The request body of an offer. */
interface OfferBody extends ResumeFields {
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
interface CandidateBody {
    /** The candidate, as `RTCIceCandidate.toJSON()` returns it. */
    candidate: RTCIceCandidateInit;
    /** Distinguishes it from an offer. */
    type: "ice-candidate";
    /** The id of the connection. */
    webrtc_id: string;
}
/** The server's answer to an offer. */
interface Answer {
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
interface Refusal {
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
interface Accepted {
    /** Distinguishes it from a refusal. */
    status: "success";
}
/** Transport for offers, candidates and answers. */
interface Signalling {
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
    offer(body: OfferBody | CandidateBody, signal?: AbortSignal, token?: string | null): Promise<Answer | Refusal | Accepted>;
}
/** Track constraints: for a single kind, or nested by kind. */
type TrackConstraints = MediaTrackConstraints | {
    audio?: MediaTrackConstraints | boolean;
    video?: MediaTrackConstraints | boolean;
};
/** The devices to use; the browser's defaults if empty. */
interface DeviceChoice {
    /** The `deviceId` of the microphone. */
    microphoneId?: string | null;
    /** The `deviceId` of the camera. */
    cameraId?: string | null;
}
/** Parameters of each sender, for `RTCRtpSender.setParameters`; and the codec preference. */
interface RtpParams {
    /** What to keep when bandwidth is scarce, such as `"maintain-resolution"`. */
    degradationPreference?: RTCDegradationPreference;
    /** Parameters of each encoding, such as `[{ maxBitrate: 500000 }]`. */
    encodings?: Partial<RTCRtpEncodingParameters>[];
    /** MIME types of codecs such as `"video/VP8"`, preferred first. */
    codecs?: string[];
}
/** How to reconnect after a network loss. */
interface ReconnectOptions {
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
type CallHandler = (data: never) => unknown;
/**
 * What the client uses of the browser. Each default is the global of that name, when it is used;
 * without it, the feature is missing.
 */
interface Environment {
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
    AudioWorkletNode?: new (context: BaseAudioContext, name: string, options?: AudioWorkletNodeOptions) => AudioWorkletNode;
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
interface ConnectionOptions {
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
    rtcConfiguration?: RTCConfiguration | null | (() => RTCConfiguration | null | Promise<RTCConfiguration | null>);
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
interface TurnState {
    /** Whether the client decides when a turn begins and ends (push to talk). */
    manual: boolean;
    /** Whether a turn has begun with `begin()` and not ended. */
    talking: boolean;
}
/** A message from the server: JSON with a `type`. Programs may define their own types. */
interface ServerMessage {
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
interface MuteState {
    /** Whether silence is sent. */
    microphone: boolean;
    /** Whether black frames are sent. */
    camera: boolean;
}
/** The events of a connection by name, and their details. */
interface ConnectionEvents {
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
interface StreamStats {
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
    picture: {
        width: number;
        height: number;
        framesPerSecond: number;
    } | null;
    /** The codecs in both directions, such as `opus`. */
    codecs: string[];
    /** From the server's end-of-turn detection to the first audio of the last reply, in ms. */
    latency: number | null;
    /** The same from the end of the user's speech, which includes the time for endpointing. */
    latencyFromSpeech: number | null;
}
/** A device of the user. Its label is empty until permission is granted. */
interface Device {
    /** Its `deviceId`. */
    id: string;
    /** Its name, for the user. */
    label: string;
}
/** The available devices. */
interface DeviceList {
    /** The microphones. */
    microphones: Device[];
    /** The cameras. */
    cameras: Device[];
    /** The speakers; none in browsers that do not let a page select one. */
    speakers: Device[];
}

/** Events with typed details. */
/** Calls the listeners of named events. `Events` maps names to details. */
declare class Emitter<Events extends object> {
    #private;
    /** Add a listener; returns a function that removes it. */
    on<Name extends keyof Events>(name: Name, listener: (detail: Events[Name]) => void): () => void;
    /** Remove a listener. */
    off<Name extends keyof Events>(name: Name, listener: (detail: Events[Name]) => void): void;
    /** Call the listeners. If one throws, the error is reported and the others are still called. */
    protected emit<Name extends keyof Events>(name: Name, detail: Events[Name]): void;
}

/** Return how the offers of a connection are sent. */
declare function signallingOf({ signalling, url, environment }: ConnectionOptions): Signalling;
/**
 * Post offers and candidates as JSON.
 *
 * @param url The address of the route from `Stream.mount`. If it ends in `/webrtc/offer`, the
 *   WebSocket route is `/websocket/offer` beside it.
 * @param init Further options for `fetch`: `headers`, `credentials`.
 * @param environment Where `fetch` is taken from; by default the global one.
 */
declare function httpSignalling(url?: string, init?: RequestInit, environment?: Pick<Environment, "fetch">): Signalling;

/** Which devices to open. */
type Wanted = Pick<ConnectionOptions, "modality" | "trackConstraints" | "devices" | "environment">;
/**
 * Ask the user for devices.
 *
 * @throws FastRTCError when there are none, or access is denied.
 */
declare function openDevices(kinds: Kind[], wanted: Wanted): Promise<MediaStream>;
/** List the devices; labels are empty until the user has granted permission. */
declare function listDevices(environment?: Environment): Promise<DeviceList>;
/** Call a listener when a device is plugged in or out; returns a function that removes it. */
declare function watchDevices(listener: () => void, environment?: Environment): () => void;
/** Whether this browser lets a page select the speaker. */
declare function canChooseSpeaker(): boolean;
/** Whether this browser has its own speaker selection dialog, as Firefox does. */
declare function canAskForSpeaker(): boolean;
/** Let the user select a speaker, which is then listed; null if none. Call it from a click. */
declare function askForSpeaker(): Promise<string | null>;
/** Play an element on a speaker; "" is the default. False if the browser cannot. */
declare function setSpeaker(element: HTMLMediaElement, id: string): Promise<boolean>;

/**
 * The connection between a page and a stream.
 *
 *     const connection = new Connection({ modality: "audio" });
 *     connection.on("remote", (stream) => { audio.srcObject = stream; });
 *     connection.on("state", ({ state, error }) => { status.textContent = error?.sentence ?? state; });
 *     await connection.start();
 */
declare class Connection extends Emitter<ConnectionEvents> {
    #private;
    /** The options; changes take effect at the next `start()`. */
    options: ConnectionOptions;
    constructor(options?: ConnectionOptions);
    /** The state of the connection; `idle` before the first start. */
    get state(): ConnectionState;
    /** Whether it has started and neither stopped nor failed. */
    get active(): boolean;
    /** The kinds of tracks of its modality. */
    get kinds(): Kind[];
    /** Why it failed, or why the server ended it. */
    get error(): FastRTCError | null;
    /** The connection id; after the end, the last one. */
    get id(): string | null;
    /** The progress of a reconnect; null if there is none. */
    get reconnecting(): Reconnecting | null;
    /** The stream from the devices; null before they are open and after the end. */
    get localStream(): MediaStream | null;
    /** The stream from the server; null before it arrives and after the end. */
    get remoteStream(): MediaStream | null;
    /** How the audio travels; null without a connection. */
    get transport(): "webrtc" | "websocket" | null;
    /** The browser's peer connection, for features not covered here; null over a WebSocket. */
    get peer(): RTCPeerConnection | null;
    /** Level meters; null without audio. */
    get levels(): {
        /** That of the sent audio. */
        local: Meter | null;
        /** That of the received audio. */
        remote: Meter | null;
    };
    /** The state of the conversation, and the latency of the last reply. */
    get conversation(): ConversationSnapshot;
    /** Who decides about turns, and whether it is the user's (push to talk). */
    get turn(): TurnState;
    /** What both sides have said since the start, as far as the program sends it; newest last. */
    get transcripts(): readonly Transcript[];
    /**
     * The turns since the start, newest last: the program's records if they were requested, or what
     * the page knows itself.
     */
    get timeline(): readonly TurnRecord[];
    /** Whether the program says that it records the connection. */
    get recording(): boolean;
    /** Which local tracks are muted; kept across reconnects and restarts. */
    get muted(): MuteState;
    /**
     * Request the devices and connect.
     *
     * Resolves when connected (true) or when the attempt has ended (false). It never rejects: the
     * error is in `error` and in the `state` event. Call it from a click, because otherwise
     * browsers block audio playback. It has no effect while the connection is active.
     *
     * @param silent Whether to start muted and request each device only when it is unmuted, for
     *   users who type and may never speak.
     */
    start({ silent }?: {
        silent?: boolean | undefined;
    }): Promise<boolean>;
    /** Close the connection and release everything; `start()` may be called again. */
    stop(): void;
    /** Send a string, or an object as JSON, on the data channel; false if there is none. */
    send(message: unknown): boolean;
    /**
     * Set the function that answers calls of the program: `await context.call(name, data)`.
     *
     * What it throws is the error that the program gets. It stays set across connections.
     *
     * @param handler Gets the data, and returns the result or a promise of it; null removes it.
     */
    handle(name: string, handler: CallHandler | null): void;
    /**
     * Call a method of the program: a function with `@stream.method`.
     *
     * @param options.timeout How long to wait for the result, in ms. Default 10,000.
     * @returns The result.
     * @throws FastRTCError with the code "call_failed": there is no such method or no connection, the
     *   method raised an exception, or did not answer in time.
     */
    call(name: string, data?: unknown, { timeout }?: {
        timeout?: number;
    }): Promise<unknown>;
    /**
     * Ask the program for its records of turns, now and after each reconnect: exact times, also of
     * what happens at the server. A stream sends them with `on_turn` or `debug`; others do not answer.
     */
    requestTurns(on?: boolean): void;
    /**
     * Begin the user's turn (push to talk); false if there is no open data channel.
     *
     * The microphone is unmuted, a reply is interrupted, and what was said before is not part of the
     * turn. If turns are manual, the microphone sends silence between them.
     */
    begin(): boolean;
    /** End the turn and have it answered, once its last audio has arrived (0.15 s). */
    commit(): void;
    /** End the turn and discard what was said, also just after `commit()`. */
    cancel(): void;
    /**
     * Switch to another microphone; while streaming, the track is replaced without renegotiation.
     *
     * @throws FastRTCError if it cannot be opened; the previous device stays in use. If that one had
     *   to be closed first and cannot be reopened, the stream ends with "device_lost".
     */
    setMicrophone(id: string): Promise<void>;
    /**
     * Switch to another camera; while streaming, the track is replaced without renegotiation.
     *
     * @throws FastRTCError if it cannot be opened; the previous device stays in use. If that one had
     *   to be closed first and cannot be reopened, the stream ends with "device_lost".
     */
    setCamera(id: string): Promise<void>;
    /** Start or stop sending silence instead of the microphone. */
    muteMicrophone(muted?: boolean): void;
    /** Start or stop sending black frames instead of the camera. */
    muteCamera(muted?: boolean): void;
    /** Return the current statistics; null without a connection. */
    getStats(): Promise<StreamStats | null>;
}

/** The part of a `Connection` that is needed to talk. */
type TalkConnection = Pick<Connection, "begin" | "commit" | "cancel" | "turn" | "on">;
/** Options of `pushToTalk`. */
interface PushToTalkOptions {
    /** The `KeyboardEvent.key` that does the same as the button anywhere on the page. */
    key?: string | null;
    /** Called when the way of talking changes: the button is held, was tapped, or neither. */
    changed?: (how: "held" | "tapped" | null) => void;
}
/** Decides what presses mean. No clock and no elements: pass it the time in ms. */
declare class TalkKey {
    #private;
    /** How the user talks, if at all. */
    how: "held" | "tapped" | null;
    constructor(connection: Pick<TalkConnection, "begin" | "commit" | "cancel">);
    /** The button went down; a tap ends the turn that an earlier one has begun. */
    press(now: number): void;
    /** The button went up. */
    release(now: number): void;
    /** The button went up where nobody saw it, as in another window. */
    lose(): void;
    /** Discard the turn; false if there is none. */
    cancel(): boolean;
    /** The turn has ended elsewhere, for example with the connection. */
    end(): void;
}
/**
 * Make a button talk while it is held: with a pointer, a finger, the space bar or a screen reader.
 *
 * A short tap begins a turn and the next one ends it, for those who cannot hold a button. Escape
 * discards the turn. The key works anywhere on the page, except where it types or presses another
 * button. `aria-pressed` of the button follows.
 *
 * @returns A function that removes all listeners; a turn that has begun is discarded.
 */
declare function pushToTalk(connection: TalkConnection, button: HTMLElement, { key, changed }?: PushToTalkOptions): () => void;

export { Accepted, Answer, CallHandler, CandidateBody, Connection, ConnectionEvents, ConnectionOptions, ConnectionState, Conversation, ConversationSnapshot, ConversationState, Device, DeviceChoice, DeviceList, Environment, ErrorCode, FastRTCError, Kind, Meter, Modality, Mode, MuteState, OfferBody, PushToTalkOptions, ReconnectOptions, Reconnecting, Refusal, ResumeFields, RtpParams, ServerMessage, Signalling, Speaker, StateChange, StreamStats, TalkConnection, TrackConstraints, Transcript, TransportChoice, TurnRecord, TurnState, canChooseSpeaker, deviceNames, httpSignalling, listDevices, pushToTalk, setSpeaker, watchDevices };
