/*! fastrtc 0.1.0 | MIT licence | built from frontend/, see frontend/README.md */
/** What can go wrong. */
/** What went wrong, for programs. */
type ErrorCode = "permission_denied" | "no_device" | "device_in_use" | "device_constraints" | "device_failed" | "device_lost" | "insecure_page" | "no_webrtc" | "concurrency_limit_reached" | "connection_already_exists" | "unknown_connection" | "connection_closed" | "invalid_candidate_format" | "turn_server_failed" | "unauthorized" | "cross_site" | "unknown_host" | "too_many_connecting" | "server_stopping" | "refused" | "bad_offer" | "forbidden" | "not_found" | "server_unreachable" | "server_timeout" | "server_unavailable" | "server_error" | "server_gone" | "ice_failed" | "turn_refused" | "connection_lost" | "bad_configuration" | "time_limit_reached" | "ended_by_server" | "handler_error" | "unexpected";
/** A failure, with a sentence for people. */
declare class FastRTCError extends Error {
    /** For programs. */
    readonly code: ErrorCode;
    /** For people: what happened, and what they can do. */
    readonly sentence: string;
    /** What else is known, such as the `limit` of connections. */
    readonly details: Readonly<Record<string, unknown>>;
    name: string;
    constructor(
    /** For programs. */
    code: ErrorCode, 
    /** For people: what happened, and what they can do. */
    sentence: string, 
    /** What else is known, such as the `limit` of connections. */
    details?: Readonly<Record<string, unknown>>);
}
/** Make any thrown thing a failure with a sentence. */
declare function toFastRTCError(thrown: unknown): FastRTCError;

/** How loud streams are: Web Audio analysers that share one context. */
/** What counts as silence, in dB below full scale. */
declare const SILENCE = -60;
/** Measures one stream. */
declare class Meter {
    #private;
    constructor(context: AudioContext, stream: MediaStream);
    /** The level now, in dB below full scale: -60 (silence) to 0. */
    level(): number;
    /** The root mean square of the last 43 ms, 0 to 1. */
    rms(): number;
    /** The strength of `count` bands of the voice's frequencies, low to high, each 0 to 1. */
    bands(count: number): number[];
    /** Measure no more. */
    close(): void;
}
/** Meters of what a connection sends and receives. */
declare class Levels {
    #private;
    local: Meter | null;
    remote: Meter | null;
    private constructor();
    /** Make it; null where there is no Web Audio. In a click, or browsers keep it suspended. */
    static open(): Levels | null;
    /** Measure what is sent. */
    watchLocal(stream: MediaStream): void;
    /** Measure what is received. */
    watchRemote(stream: MediaStream): void;
    /** Release everything. */
    close(): void;
}
/** Root mean square (0 to 1) to dB, never below silence. */
declare function toDecibels(rms: number): number;
/**
 * Sum up a spectrum in bands that are equally wide to the ear.
 *
 * @param strengths Of equally wide bins from 0 Hz to half the sample rate, 0 to 255.
 * @returns The mean of each band, 0 to 1.
 */
declare function toBands(strengths: Uint8Array, sampleRate: number, count: number): number[];

/** Where a conversation stands, from what the server says and what is heard. No clock of its own. */
/**
 * - `listening`: nobody speaks.
 * - `heard`: the server hears the user.
 * - `thinking`: the user has paused, the answer is being made.
 * - `speaking`: the answer is heard.
 * - `interrupted`: the user has cut the answer off.
 */
type ConversationState = "listening" | "heard" | "thinking" | "speaking" | "interrupted";
/** The state, and how long the last answer took. */
interface ConversationSnapshot {
    state: ConversationState;
    /** From the pause that the server found to the first sound of the answer, in ms. */
    latency: number | null;
    /** From the end of the user's speech to the first sound of the answer, in ms. */
    latencyFromSpeech: number | null;
}
/** Follows a conversation: tell it what comes, with the time in ms; look at `snapshot`. */
declare class Conversation {
    #private;
    /** Where it stands. */
    get snapshot(): ConversationSnapshot;
    /** The server logs something; texts that are not about turns are passed over. */
    log(what: string, now: number): void;
    /** The handler failed: what the user said, or still says, gets no answer. */
    fail(now: number): void;
    /** How loud it is now on both sides, in dB below full scale. */
    measure(local: number, remote: number, now: number): void;
}

/** The words that the client core and those who use it share. Types only: nothing runs here. */
/** Which media a stream carries; the same as the server's `modality`. */
type Modality = "audio" | "video" | "audio-video";
/** In which direction they flow, seen from the page; the same as the server's `mode`. */
type Mode = "send-receive" | "send" | "receive";
/** The kind of a track. */
type Kind = "audio" | "video";
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
type ConnectionState = "idle" | "asking" | "connecting" | "connected" | "reconnecting" | "stopped" | "failed";
/** A change of state. */
interface StateChange {
    state: ConnectionState;
    previous: ConnectionState;
    /** The id that the server knows the connection by; a new one after a reconnection. */
    id: string | null;
    /** Why it failed, or why the server ended it; null when the user stopped it. */
    error: FastRTCError | null;
}
/** What is sent to offer a connection. */
interface OfferBody {
    sdp: string;
    type: RTCSdpType;
    webrtc_id: string;
}
/** What is sent for each candidate; an empty `candidate` text ends them (RFC 8838). */
interface CandidateBody {
    candidate: RTCIceCandidateInit;
    type: "ice-candidate";
    webrtc_id: string;
}
/** The server's answer to an offer. */
interface Answer {
    sdp: string;
    type: RTCSdpType;
}
/** The server's refusal of an offer or a candidate. */
interface Refusal {
    status: "failed";
    meta: {
        error: string;
        limit?: number;
    };
}
/** The server has taken a candidate. */
interface Accepted {
    status: "success";
}
/** The way of offers and candidates to the server, and of the answers back. */
interface Signalling {
    /**
     * Send an offer or a candidate.
     *
     * @param body What to send.
     * @param signal Aborted when the answer is no longer wanted; may be ignored.
     * @throws FastRTCError when the server cannot be reached or answers with an error.
     */
    offer(body: OfferBody | CandidateBody, signal?: AbortSignal): Promise<Answer | Refusal | Accepted>;
}
/** Constraints on tracks: of the one kind there is, or nested by kind. */
type TrackConstraints = MediaTrackConstraints | {
    audio?: MediaTrackConstraints | boolean;
    video?: MediaTrackConstraints | boolean;
};
/** Which devices to use; the browser's default when empty. */
interface DeviceChoice {
    microphoneId?: string | null;
    cameraId?: string | null;
}
/**
 * Parameters of the senders, as `RTCRtpSender.setParameters` takes them
 * (`{ degradationPreference: "maintain-resolution" }`, `{ encodings: [{ maxBitrate: 500000 }] }`).
 * `codecs` orders the codecs instead: MIME types such as `"video/VP8"`, the preferred one first.
 */
interface RtpParams {
    degradationPreference?: RTCDegradationPreference;
    encodings?: Partial<RTCRtpEncodingParameters>[];
    codecs?: string[];
}
/** How to come back after the network was lost. */
interface ReconnectOptions {
    /** How many new offers are made before giving up. Default 6. */
    tries?: number;
    /** How long a connection may be disconnected before a new offer is made, in ms. Default 3000. */
    grace?: number;
    /** How long to wait before the second try, in ms; doubled for each one after. Default 1000. */
    backOff?: number;
}
/** What a connection is made with. */
interface ConnectionOptions {
    /** The way to the server. Default: `httpSignalling("/webrtc/offer")`. */
    signalling?: Signalling;
    /** Default `"audio"`. */
    modality?: Modality;
    /** Default `"send-receive"`. */
    mode?: Mode;
    /** The id, or what makes one. Default: a random one. A reconnection makes a new one. */
    id?: string | (() => string);
    /** For the `RTCPeerConnection`: STUN and TURN servers. A function is asked for each offer. */
    rtcConfiguration?: RTCConfiguration | null | (() => RTCConfiguration | null | Promise<RTCConfiguration | null>);
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
interface ServerMessage {
    type: string;
    data?: unknown;
    /** The text of `error` and `warning`; `data` holds it, too. */
    message?: string;
    [key: string]: unknown;
}
/** Which local tracks are muted. */
interface MuteState {
    microphone: boolean;
    camera: boolean;
}
/** The events of a connection, by name, and what their listeners get. */
interface ConnectionEvents {
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
interface StreamStats {
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
    picture: {
        width: number;
        height: number;
        framesPerSecond: number;
    } | null;
    codecs: string[];
    /** From the pause that the server found to the first sound of the last answer, in ms. */
    latency: number | null;
    /** The same from the end of the user's speech: it has the time that it takes to find the pause. */
    latencyFromSpeech: number | null;
}
/** A device of the user's. Its label is empty until a permission was given. */
interface Device {
    id: string;
    label: string;
}
/** The devices there are. */
interface DeviceList {
    microphones: Device[];
    cameras: Device[];
    speakers: Device[];
}

/** Which constraints a track of each kind is asked for with. */
/** The kinds of tracks that a modality has. */
declare function kindsOf(modality: Modality): Kind[];
/**
 * Choose the constraints of one kind.
 *
 * @param kind Of the track.
 * @param given Flat, or nested by kind; nothing for the defaults.
 * @param modality Flat constraints of "audio-video" are dealt out by name.
 * @param devices The devices chosen; they win over a `deviceId` in the constraints.
 */
declare function constraintsFor(kind: Kind, given: TrackConstraints | null | undefined, modality: Modality, devices?: DeviceChoice): MediaTrackConstraints;

/** Events with typed details. */
type Listener<Detail> = (detail: Detail) => void;
/** Calls listeners by the name of an event. `Events` maps names to details. */
declare class Emitter<Events extends object> {
    #private;
    /** Listen to an event; gives the function that ends it. */
    on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void;
    /** Do not listen any more. */
    off<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): void;
    /** Call the listeners. One that throws is reported and keeps nobody else from hearing. */
    protected emit<Name extends keyof Events>(name: Name, detail: Events[Name]): void;
}

/** Listens to both sides of a connection, and follows the conversation by it. */
/** Meters and conversation of one connection, which has another conversation on each link. */
declare class Hearing {
    #private;
    private readonly changed;
    readonly levels: Levels | null;
    constructor(changed: (snapshot: ConversationSnapshot) => void);
    get snapshot(): ConversationSnapshot;
    /** Begin to measure on a new link: the server knows nothing of what was said before. */
    begin(): void;
    /** The server logs something. */
    log(text: string): void;
    /** The handler failed. */
    fail(): void;
    /** Release everything. */
    close(): void;
}

/** Waiting, but not for ever. */
/** How long a server may take, in ms: it answers within a second. */
declare const ANSWER_WITHIN = 15000;
/**
 * Wait for what a server gives, no longer than it may take.
 *
 * @param signal Aborted when it is no longer wanted.
 * @throws `late` when it takes too long or is no longer wanted.
 */
declare function inTime<Value>(answer: Promise<Value>, late: FastRTCError, signal?: AbortSignal): Promise<Value>;

/** Failures told in sentences that say what to do. */
/** "microphone", "camera", or "microphone and camera". */
declare function deviceNames(kinds: readonly Kind[]): string;
/** Say why the browser gave no device; `thrown` is what `getUserMedia` rejected with. */
declare function deviceError(thrown: unknown, kinds: readonly Kind[]): FastRTCError;
/** Say why the server takes no connection; `meta` is that of its refusal. */
declare function refusalError(meta?: {
    error?: unknown;
    limit?: unknown;
    reason?: unknown;
}): FastRTCError;
/** Say what an HTTP status means; `detail` is FastAPI's. */
declare function httpError(status: number, detail?: unknown): FastRTCError;
/** Say why the server ended the stream; `reason` is that of its `end_stream`. */
declare function endError(reason?: string): FastRTCError;
/** Nothing came of a request for too long. */
declare function timeoutError(): FastRTCError;
/** No candidates of the two sides reach each other. */
declare function iceError(): FastRTCError;
/** No candidates of the two sides reach each other, and the TURN server gave none (401). */
declare function turnError(): FastRTCError;
/** It was connected, and could not be again; `last` is what the last try failed with. */
declare function lostError(last: FastRTCError): FastRTCError;

/** One peer connection, from its offer to its end. */
/** What a link is made of. */
interface LinkSetup {
    id: string;
    kinds: Kind[];
    mode: Mode;
    /** What is sent; null in mode "receive". */
    local: MediaStream | null;
    signalling: Signalling;
    configuration: RTCConfiguration | null;
    rtpParams: RtpParams | null;
    trickle: boolean;
}
interface LinkEvents {
    /** The network was lost, for the moment or for good. */
    disconnected: undefined;
    /** It has come back by itself. */
    returned: undefined;
    /** It is over, by what the detail says; not told when `close()` was called. */
    closed: FastRTCError;
    remote: MediaStream;
    open: undefined;
    text: string;
    notice: FastRTCError;
    refused_candidate: FastRTCError;
}
/** Connects once; whatever comes after its end is passed over. */
declare class Link extends Emitter<LinkEvents> {
    #private;
    private readonly setup;
    readonly peer: RTCPeerConnection;
    /** @throws FastRTCError when the configuration is not one. */
    constructor(setup: LinkSetup);
    /** Offer; resolves when connected, rejects with a FastRTCError when that fails. */
    connect(): Promise<void>;
    /** Send a text; false while the channel is not open. */
    send(text: string): boolean;
    /** Send another track instead of the one of its kind. */
    replaceTrack(track: MediaStreamTrack): Promise<void>;
    /** End it. The server sees that at once. */
    close(): void;
}

/** Microphones, cameras and speakers. */
/**
 * Ask the user for devices.
 *
 * @throws FastRTCError when there are none, or they may not be used.
 */
declare function openDevices(kinds: Kind[], modality: Modality, constraints?: TrackConstraints | null, chosen?: DeviceChoice): Promise<MediaStream>;
/** List the devices; labels are empty until the user has given a permission. */
declare function listDevices(): Promise<DeviceList>;
/** Be told when a device is plugged in or out; gives the function that ends it. */
declare function watchDevices(listener: () => void): () => void;
/** Whether this browser lets a page choose the speaker. */
declare function canChooseSpeaker(): boolean;
/** Whether this browser has a list of its own to choose a speaker from: Firefox. */
declare function canAskForSpeaker(): boolean;
/** Have the user choose a speaker, which is listed from then on; call it from a click. Null: none. */
declare function askForSpeaker(): Promise<string | null>;
/** Play an element on a speaker; "" is the default one. False where the browser cannot. */
declare function setSpeaker(element: HTMLMediaElement, id: string): Promise<boolean>;

/** The microphone and the camera, while they are open. */
type Wanted = Pick<ConnectionOptions, "trackConstraints" | "devices">;
/** What is sent: one track of each kind, any of which may be exchanged for another one. */
declare class LocalMedia {
    #private;
    readonly stream: MediaStream;
    private readonly modality;
    private readonly lost;
    private constructor();
    /** Begin without any device: `exchange` opens them. */
    static empty(modality: Modality, lost: (kind: Kind) => void): LocalMedia;
    /**
     * Ask the user for the devices.
     *
     * @param lost Called when a device is unplugged or taken away.
     */
    static open(kinds: Kind[], modality: Modality, wanted: Wanted, lost: (kind: Kind) => void): Promise<LocalMedia>;
    /**
     * Exchange the track of a kind; gives the new one.
     *
     * When that fails the old one stays, unless it had to be closed first: see `isOpen`.
     */
    exchange(kind: Kind, wanted: Wanted, signal: AbortSignal): Promise<MediaStreamTrack | null>;
    /** Whether there is a track of a kind, of a device that is open or was. */
    has(kind: Kind): boolean;
    /** Whether there is a track of a kind that still gives something. */
    isOpen(kind: Kind): boolean;
    /** Send silence and black, or no longer. */
    mute(muted: MuteState): void;
    /** Give the devices back. */
    close(): void;
}
/** Say that a device has gone, and whether another one takes its place. */
declare function lostDevice(kind: Kind, replaced: boolean): FastRTCError;

/** Messages of the server: JSON texts with a `type`. */
/** Types that have an event of their own with a text as its detail. */
declare const TEXTS: readonly ["log", "started_talking", "interrupted", "stopword", "end_stream", "update_connection", "error", "warning"];
/** A message as the connection hands it on: the event's name and its detail. */
type ServerEvent = {
    name: (typeof TEXTS)[number];
    detail: string;
} | {
    name: "send_input" | "fetch_output";
    detail: ServerMessage;
};
/** Read a text of the data channel. What is no JSON object becomes a message of type "text". */
declare function parseMessage(text: string): ServerMessage;
/** Which event of its own a message has; null for types that programs invent. */
declare function eventOf(message: ServerMessage): ServerEvent | null;
/** The server's answer to each text that a page sends; nothing happens by it. */
declare function isEcho(log: string): boolean;

/** When a lost connection is tried again. */
/** Fill in what is not given; no tries when a lost connection is not to be made again. */
declare function reconnectPlan(given: boolean | ReconnectOptions | undefined): Required<ReconnectOptions>;
/** How long to wait before a try, in ms; the first (0) is made at once. */
declare function waitBefore(attempt: number, { backOff }: Required<ReconnectOptions>): number;
/** Whether trying again may help. */
declare function isPassing(error: FastRTCError): boolean;
/** Wait; shorter when the network comes back meanwhile. Resolves at once when aborted. */
declare function pause(milliseconds: number, signal: AbortSignal): Promise<void>;

/** Signalling over HTTP. */
/**
 * Post offers and candidates as JSON.
 *
 * @param url Where `Stream.mount` put the route.
 * @param init More for `fetch`: `headers`, `credentials`.
 */
declare function httpSignalling(url?: string, init?: RequestInit): Signalling;

/** The browser's statistics in a few figures. */
/** Byte counts at a time, to make rates of. */
interface Counts {
    at: number;
    sent: number;
    received: number;
}
/**
 * Sum up a report.
 *
 * @param report What `RTCPeerConnection.getStats` gives.
 * @param before The counts of the time before; null the first time.
 */
declare function summarise(report: Iterable<[string, unknown]>, before: Counts | null): {
    stats: Omit<StreamStats, "latency" | "latencyFromSpeech">;
    counts: Counts;
};

/** One life of a connection: from its start to its end, over all reconnections. */
/** Tells an event to who listens to the connection. */
type Tell = <Name extends keyof ConnectionEvents>(name: Name, detail: ConnectionEvents[Name]) => void;
/** Runs once. Whatever comes after its end is passed over. */
declare class Life {
    #private;
    private readonly options;
    private muted;
    private readonly silent;
    private readonly tell;
    private readonly chosen;
    state: ConnectionState;
    error: FastRTCError | null;
    id: string | null;
    media: LocalMedia | null;
    link: Link | null;
    remote: MediaStream | null;
    readonly hearing: Hearing;
    /** Resolves when it is connected (true) or over (false). */
    readonly outcome: Promise<boolean>;
    /**
     * @param options Those of the connection; `devices` may be changed on the way.
     * @param muted Which tracks begin muted.
     * @param silent Whether no device is asked for until its track is unmuted.
     * @param chosen Told which other devices are used from now on.
     */
    constructor(options: ConnectionOptions, muted: MuteState, silent: boolean, tell: Tell, chosen: (change: DeviceChoice) => void);
    /** Ask for the devices and connect. */
    run(): Promise<void>;
    /** End it and release everything. */
    end(state: "stopped" | "failed", error: FastRTCError | null): void;
    /** Send silence and black, or no longer. */
    mute(muted: MuteState): void;
    /** Whether it sends no track of a kind, as it was started silent. */
    lacks(kind: Kind): boolean;
    /** Ask for the device of a kind that it lacks; goes on without if there is none. */
    open(kind: Kind): Promise<void>;
    /** Use another device for a kind of track. */
    exchange(kind: Kind, change: DeviceChoice): Promise<void>;
    /** Sum up the statistics; null while there is no connection. */
    stats(): Promise<StreamStats | null>;
}

/** A connection to a stream. */
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
    /** What it is made with; changes count from the next `start()` on. */
    options: ConnectionOptions;
    constructor(options?: ConnectionOptions);
    get state(): ConnectionState;
    /** Whether it is started and neither stopped nor failed. */
    get active(): boolean;
    /** The kinds of tracks that its modality has. */
    get kinds(): Kind[];
    /** Why it failed, or why the server ended it. */
    get error(): FastRTCError | null;
    /** The id that the server knows it by; the last one after the end. */
    get id(): string | null;
    /** What the devices give; null before they are open and after the end. */
    get localStream(): MediaStream | null;
    /** What the server sends; null before it comes and after the end. */
    get remoteStream(): MediaStream | null;
    /** The browser's own peer connection, for what is not covered here. */
    get peer(): RTCPeerConnection | null;
    /** Meters of what is sent and received; null where there is no sound. */
    get levels(): {
        local: Meter | null;
        remote: Meter | null;
    };
    /** Where the conversation stands, and how long the last answer took. */
    get conversation(): ConversationSnapshot;
    /** Which local tracks are muted; kept over a reconnection and a new start. */
    get muted(): MuteState;
    /**
     * Ask for the devices and connect.
     *
     * Resolves when it is connected (true) or the attempt is over (false); it never rejects: what
     * went wrong is in `error` and in the `state` event. Call it from a click: browsers
     * play sound only then. While it is active it does nothing.
     *
     * @param silent Whether it begins muted and asks for no device: each is asked for when it is
     *   unmuted. For those who type, and may never speak.
     */
    start({ silent }?: {
        silent?: boolean | undefined;
    }): Promise<boolean>;
    /** End it and release everything; `start()` works again afterwards. */
    stop(): void;
    /** Send a text or an object as JSON on the data channel; false while there is none. */
    send(message: unknown): boolean;
    /**
     * Use another microphone; while it streams the track is replaced without a new offer.
     *
     * @throws FastRTCError when it cannot be opened; the one before stays in use. If that had to be
     *   closed first and does not open again, the stream ends with "device_lost".
     */
    setMicrophone(id: string): Promise<void>;
    /**
     * Use another camera; while it streams the track is replaced without a new offer.
     *
     * @throws FastRTCError when it cannot be opened; the one before stays in use. If that had to be
     *   closed first and does not open again, the stream ends with "device_lost".
     */
    setCamera(id: string): Promise<void>;
    /** Send silence instead of the microphone, or no longer. */
    muteMicrophone(muted?: boolean): void;
    /** Send black instead of the camera, or no longer. */
    muteCamera(muted?: boolean): void;
    /** Sum up the statistics of the moment; null while there is no connection. */
    getStats(): Promise<StreamStats | null>;
}

export { Accepted, Answer, CandidateBody, Connection, ConnectionEvents, ConnectionOptions, ConnectionState, Conversation, ConversationSnapshot, ConversationState, Device, DeviceChoice, DeviceList, ErrorCode, FastRTCError, Kind, Meter, Modality, Mode, MuteState, OfferBody, ReconnectOptions, Refusal, RtpParams, ServerMessage, Signalling, StateChange, StreamStats, TrackConstraints, canChooseSpeaker, deviceNames, httpSignalling, listDevices, setSpeaker, watchDevices };
