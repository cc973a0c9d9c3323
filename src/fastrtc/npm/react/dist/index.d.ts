/*! fastrtc 0.1.0 | MIT licence | built from frontend/, see frontend/README.md */
import { CallHandler, Connection, ConnectionOptions, ConnectionState, ConversationSnapshot, ConversationState, DeviceList, FastRTCError, Meter, MuteState, Reconnecting, ServerMessage, Speaker, StreamStats, Transcript, TurnRecord, TurnState } from "@fastrtc/client";
import { ComponentPropsWithoutRef, ReactNode, SyntheticEvent } from "react";
/** A side of a stream: what the page sends (`local`), or what it receives (`remote`). */
type Side = "local" | "remote";
/**
 * The options of `useStream`: those of a `Connection`, and some of the hook.
 *
 * An object literal in the render function is fine. Options that change take effect at the next
 * `start()`; `methods`, `onMessage` and `keepMessages` at once. If `id`, `token` or
 * `rtcConfiguration` is a function, a reconnect calls that of the latest render.
 */
interface UseStreamOptions extends ConnectionOptions {
    /**
     * Whether the hook plays the received audio. Default true. If false, a `VideoView` of the remote
     * side plays it, or an element of your own.
     */
    play?: boolean;
    /**
     * The functions that the program may call by their name, with `await context.call(name, data)`.
     * What they throw is the error that the program gets.
     */
    methods?: Record<string, CallHandler>;
    /** Called with each message of the server. */
    onMessage?: (message: ServerMessage) => void;
    /**
     * How many messages `messages` keeps. Default 100. With 0, messages cause no renders, for programs
     * that send many: use `onMessage`.
     */
    keepMessages?: number;
}
/** The options of `start`. */
interface StartOptions {
    /**
     * Whether to start muted and request each device only when it is unmuted, for users who type and
     * may never speak. Default false.
     */
    silent?: boolean;
}
/** A problem to show to the user that does not end the connection. */
interface StreamNotice {
    /**
     * `info` is from the client, such as an unplugged device that was replaced; `warning` and `error`
     * are from the program.
     */
    readonly level: "info" | "warning" | "error";
    /** The text for the user. */
    readonly sentence: string;
}
/** The devices of the user, and which of them are used. */
interface StreamDevices extends DeviceList {
    /** The selected microphone; null is the browser's default. */
    readonly microphoneId: string | null;
    /** The selected camera; null is the browser's default. */
    readonly cameraId: string | null;
    /** The selected speaker; null is the browser's default. */
    readonly speakerId: string | null;
    /**
     * Switch to another microphone, also while connected.
     *
     * @throws FastRTCError if it cannot be opened; the previous one stays in use.
     */
    readonly setMicrophone: (id: string) => Promise<void>;
    /**
     * Switch to another camera, also while connected.
     *
     * @throws FastRTCError if it cannot be opened; the previous one stays in use.
     */
    readonly setCamera: (id: string) => Promise<void>;
    /**
     * Play the received audio on another speaker; "" is the default.
     *
     * @returns False if the browser cannot, or the user does not allow it.
     */
    readonly setSpeaker: (id: string) => Promise<boolean>;
    /** List the devices again. The lists follow devices that are plugged in or out by themselves. */
    readonly refresh: () => Promise<void>;
}
/**
 * A stream as `useStream` returns it: an immutable snapshot, and functions that never change.
 *
 * The object is another one after each change, and the same one otherwise. Lists and objects in it
 * keep their identity while their content does not change.
 */
interface StreamHandle {
    /**
     * Request the devices and connect. Call it in an event handler of a click or a key, because
     * otherwise browsers block the audio: `onClick={stream.start}`, or `stream.start({ silent })` in a
     * handler of your own.
     *
     * Resolves to true when connected, to false when the attempt has ended, and never rejects: see
     * `error`. It has no effect while the stream is active, or after the component was unmounted.
     */
    readonly start: (options?: StartOptions | SyntheticEvent) => Promise<boolean>;
    /** Close the connection and release all devices. `start()` may be called again. */
    readonly stop: () => void;
    /** Send a string, or an object as JSON; false if there is no open data channel. */
    readonly send: (message: unknown) => boolean;
    /**
     * Call a method of the program, a function with `@stream.method`.
     *
     * @param options.timeout How long to wait for the result, in ms. Default 10,000.
     * @throws FastRTCError with the code "call_failed".
     */
    readonly call: (name: string, data?: unknown, options?: {
        timeout?: number;
    }) => Promise<unknown>;
    /** Start or stop sending silence instead of the microphone. */
    readonly muteMicrophone: (muted?: boolean) => void;
    /** Start or stop sending black frames instead of the camera. */
    readonly muteCamera: (muted?: boolean) => void;
    /** Begin the user's turn (push to talk); false if there is no open data channel. */
    readonly begin: () => boolean;
    /** End the user's turn and have it answered. */
    readonly commit: () => void;
    /** End the user's turn and discard it. */
    readonly cancel: () => void;
    /** Ask the program for its exact records of turns. */
    readonly requestTurns: (on?: boolean) => void;
    /** Return the current statistics; null without a connection. */
    readonly getStats: () => Promise<StreamStats | null>;
    /** Play audio that the browser has blocked; call it in an event handler of a click. */
    readonly playAudio: () => Promise<void>;
    /** The state of the connection. */
    readonly state: ConnectionState;
    /** Whether it has started and neither stopped nor failed. */
    readonly active: boolean;
    /** The connection id; after the end, the last one. */
    readonly id: string | null;
    /** Why it failed, or why the server ended it; `error.sentence` is for the user. */
    readonly error: FastRTCError | null;
    /** The last problem that has not ended the connection; null after the next start. */
    readonly notice: StreamNotice | null;
    /** The progress of a reconnect; null if there is none. */
    readonly reconnecting: Reconnecting | null;
    /** How the media travels; null without a connection. */
    readonly transport: "webrtc" | "websocket" | null;
    /** The state of the conversation, and the latency of the last reply in ms. */
    readonly conversation: ConversationSnapshot;
    /** Who decides about turns, and whether it is the user's (push to talk). */
    readonly turn: TurnState;
    /** The last messages of the server since the start, oldest first. */
    readonly messages: readonly ServerMessage[];
    /** What both sides have said since the start, as far as the program sends it; oldest first. */
    readonly transcript: readonly Transcript[];
    /** The last 100 turns since the start, with their times; oldest first. */
    readonly turns: readonly TurnRecord[];
    /** Whether the program says that it records the connection. */
    readonly recording: boolean;
    /** Which local tracks are muted; kept across reconnects and restarts. */
    readonly muted: MuteState;
    /** Level meters of both sides, which can be read at any time; see `useLevel`. */
    readonly levels: {
        /** The meter of what the page sends; null without audio. */
        readonly local: Meter | null;
        /** The meter of what the page receives; null without audio. */
        readonly remote: Meter | null;
    };
    /** The user's devices. */
    readonly devices: StreamDevices;
    /** The stream from the devices; null while they are not open. */
    readonly localStream: MediaStream | null;
    /** The stream from the server; null while there is none. */
    readonly remoteStream: MediaStream | null;
    /** Whether the hook plays the received audio. */
    readonly plays: boolean;
    /**
     * Whether the browser blocks the received audio until the user clicks or presses a key. It is
     * then played by itself; `playAudio()` does it for a button of your own.
     */
    readonly audioBlocked: boolean;
    /** The connection itself, for events and all else. It is the same one at all times. */
    readonly connection: Connection;
}

/** The properties of `AudioLevel`: those of a `<div>`, and these. */
interface AudioLevelProps extends ComponentPropsWithoutRef<"div"> {
    /** From `useStream`. */
    stream: Pick<StreamHandle, "levels" | "state">;
    /** Default `local`, the microphone. */
    side?: Side;
}
/**
 * A level meter without renders: the CSS variable `--fastrtc-level` of the element follows the
 * level, from 0 (a quiet room) to 1 (clear speech).
 *
 * It has the role `meter`, with the level in dB. `data-side` is the side, `data-state` the state of
 * the connection. Other properties go to the `<div>`.
 */
declare const AudioLevel: import("react").ForwardRefExoticComponent<AudioLevelProps & import("react").RefAttributes<HTMLDivElement>>;

/** The properties of `Captions`: those of a `<div>`, and these. */
interface CaptionsProps extends Omit<ComponentPropsWithoutRef<"div">, "children"> {
    /** From `useStream`. */
    stream: Pick<StreamHandle, "transcript">;
    /** The names of both sides, if not "You" and "Assistant". */
    names?: Partial<Record<Speaker, ReactNode>>;
}
/**
 * The transcripts of both sides as far as the program sends them, in a box that scrolls to the end.
 *
 * Each is a `<p>` with `data-who`, and `data-partial` or `data-interrupted` where that holds. Screen
 * readers read a text once, when it is final. Other properties go to the `<div>`.
 */
declare const Captions: import("react").ForwardRefExoticComponent<CaptionsProps & import("react").RefAttributes<HTMLDivElement>>;

/** What the button does: `cancel` while it asks for devices or connects. */
type StreamAction = "start" | "cancel" | "stop";
/** The properties of `StreamButton`: those of a `<button>`, and these. */
interface StreamButtonProps extends ComponentPropsWithoutRef<"button"> {
    /** From `useStream`. */
    stream: StreamHandle;
    /** The labels, if not "Start", "Cancel" and "Stop". `children` replaces all of them. */
    labels?: Partial<Record<StreamAction, ReactNode>>;
    /** Options of `start()`. */
    startOptions?: StartOptions;
}
/**
 * A button that starts the stream, cancels the attempt, or stops the stream.
 *
 * `data-state` is the state of the connection, `data-action` what a click does. Other properties go
 * to the `<button>`; an `onClick` that calls `preventDefault()` replaces the action.
 */
declare const StreamButton: import("react").ForwardRefExoticComponent<StreamButtonProps & import("react").RefAttributes<HTMLButtonElement>>;

/**
 * What the status says: the state of the connection, and while it is connected that of the
 * conversation, or `live` without a microphone, `muted`, or `blocked` if the browser waits for a
 * click to play audio.
 */
type StatusName = Exclude<ConnectionState, "connected"> | ConversationState | "live" | "muted" | "blocked";
/** The properties of `StreamStatus`: those of a `<p>`, and these. */
interface StreamStatusProps extends Omit<ComponentPropsWithoutRef<"p">, "children"> {
    /** From `useStream`. */
    stream: StreamHandle;
    /** Other texts, such as translations; the sentence of an `error` stays. */
    labels?: Partial<Record<StatusName, ReactNode>>;
}
/**
 * A line that says where the stream stands, and why it has ended. Screen readers read each change.
 *
 * `data-status` is what it says. Other properties go to the `<p>`.
 */
declare const StreamStatus: import("react").ForwardRefExoticComponent<StreamStatusProps & import("react").RefAttributes<HTMLParagraphElement>>;

/**
 * Return the level of a side in dB of full scale, from -60 (silence, or no audio) to 0.
 *
 * The component renders up to 20 times a second while the level changes, so call it in a small one;
 * `AudioLevel` shows a level without renders.
 *
 * @param stream From `useStream`.
 * @param side Default `local`, the microphone.
 */
declare function useLevel(stream: Pick<StreamHandle, "levels">, side?: Side): number;

/**
 * Connect a component to a stream.
 *
 *     const stream = useStream({ url: "/api" });
 *     return <button onClick={() => stream.start()}>{stream.state}</button>;
 *
 * Nothing happens until `start()`. The connection belongs to the component: it ends when the
 * component is unmounted. To use it in others, pass the returned handle on, as a prop or in a
 * context. On the server, the state is `idle`.
 *
 * @param options Options that change take effect at the next `start()`; see `UseStreamOptions`.
 */
declare function useStream(options?: UseStreamOptions): StreamHandle;

/** The properties of `VideoView`: those of a `<video>`, and these. */
interface VideoViewProps extends ComponentPropsWithoutRef<"video"> {
    /** From `useStream`. */
    stream: Pick<StreamHandle, "localStream" | "remoteStream" | "muted" | "plays" | "state">;
    /** Default `remote`, what the server sends; `local` is the user's own picture. */
    side?: Side;
    /** Whether the picture is mirrored by the style sheet. Default: the user's own one. */
    mirrored?: boolean;
}
/**
 * A `<video>` with the picture of a side.
 *
 * It is silent where the hook plays the audio (`play`), and always for the user's own picture.
 * `data-side` is the side, `data-state` the state of the connection, `data-empty` is there without a
 * picture or with a camera that is off, and `data-mirrored` if it is mirrored. Other properties go
 * to the `<video>`.
 */
declare const VideoView: import("react").ForwardRefExoticComponent<VideoViewProps & import("react").RefAttributes<HTMLVideoElement>>;

export { AudioLevel, AudioLevelProps, Captions, CaptionsProps, Side, StartOptions, StatusName, StreamAction, StreamButton, StreamButtonProps, StreamDevices, StreamHandle, StreamNotice, StreamStatus, StreamStatusProps, UseStreamOptions, VideoView, VideoViewProps, useLevel, useStream };
