/** Public types of the hooks. No code. */

import type {
  CallHandler,
  Connection,
  ConnectionOptions,
  ConnectionState,
  ConversationSnapshot,
  DeviceList,
  FastRTCError,
  Meter,
  MuteState,
  Reconnecting,
  ServerMessage,
  StreamStats,
  Transcript,
  TurnRecord,
  TurnState,
} from "@fastrtc/client";
import type { SyntheticEvent } from "react";

/** A side of a stream: what the page sends (`local`), or what it receives (`remote`). */
export type Side = "local" | "remote";

/**
 * The options of `useStream`: those of a `Connection`, and some of the hook.
 *
 * An object literal in the render function is fine. Options that change take effect at the next
 * `start()`; `methods`, `onMessage` and `keepMessages` at once. If `id`, `token` or
 * `rtcConfiguration` is a function, a reconnect calls that of the latest render.
 */
export interface UseStreamOptions extends ConnectionOptions {
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
export interface StartOptions {
  /**
   * Whether to start muted and request each device only when it is unmuted, for users who type and
   * may never speak. Default false.
   */
  silent?: boolean;
}

/** A problem to show to the user that does not end the connection. */
export interface StreamNotice {
  /**
   * `info` is from the client, such as an unplugged device that was replaced; `warning` and `error`
   * are from the program.
   */
  readonly level: "info" | "warning" | "error";
  /** The text for the user. */
  readonly sentence: string;
}

/** The devices of the user, and which of them are used. */
export interface StreamDevices extends DeviceList {
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
export interface StreamHandle {
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
  readonly call: (name: string, data?: unknown, options?: { timeout?: number }) => Promise<unknown>;
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
