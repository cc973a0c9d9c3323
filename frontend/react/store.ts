/** A connection as an external store of React: immutable snapshots, and functions that never change. */

import {
  canChooseSpeaker,
  Connection,
  listDevices,
  watchDevices,
  type ConnectionEvents,
  type ConnectionOptions,
  type DeviceList,
  type ServerMessage,
} from "@fastrtc/client";
import { Player } from "./player";
import type { StreamHandle, StreamNotice, UseStreamOptions } from "./types";

/** The events after which a snapshot may differ; those with more to do are handled one by one. */
const EVENTS = [
  "local",
  "conversation",
  "mute",
  "transcript",
  "timeline",
  "recording",
  "turn",
] satisfies (keyof ConnectionEvents)[];

/** The options that may be functions. A reconnect calls those of the latest render. */
const CALLED = ["id", "token", "rtcConfiguration"] as const;

const KEEP = 100;

type Actions = Pick<
  StreamHandle,
  | "start"
  | "stop"
  | "send"
  | "call"
  | "muteMicrophone"
  | "muteCamera"
  | "begin"
  | "commit"
  | "cancel"
  | "requestTurns"
  | "getStats"
  | "playAudio"
>;

/** Creating one has no side effects: Strict Mode creates two and drops one. */
export class StreamStore {
  readonly connection: Connection;
  readonly #player: Player;
  readonly #actions: Actions;
  readonly #deviceActions: Pick<
    StreamHandle["devices"],
    "setMicrophone" | "setCamera" | "setSpeaker" | "refresh"
  >;
  readonly #listeners = new Set<() => void>();
  readonly #initial: StreamHandle;
  #options: UseStreamOptions;
  /** The selected devices: those of the options, until the user selects others. */
  #chosen: ConnectionOptions["devices"];
  #methods = new Set<string>();
  #list: DeviceList = { microphones: [], cameras: [], speakers: [] };
  #messages: readonly ServerMessage[] = [];
  #notice: StreamNotice | null = null;
  /** As of the last event: the time that is left changes with each look at it. */
  #progress: StreamHandle["reconnecting"] = null;
  #plays: boolean;
  #snapshot: StreamHandle;
  #unmounted = false;

  constructor(options: UseStreamOptions) {
    this.#options = options;
    this.#chosen = options.devices;
    this.#plays = options.play ?? true;
    const connection = (this.connection = new Connection({ ...options }));
    this.#player = new Player(() => {
      this.#refresh();
    });
    this.#actions = {
      start: (options) => this.#start(options),
      stop: () => {
        connection.stop();
      },
      send: (message) => connection.send(message),
      call: (name, data, options) => connection.call(name, data, options),
      muteMicrophone: (muted) => {
        connection.muteMicrophone(muted);
      },
      muteCamera: (muted) => {
        connection.muteCamera(muted);
      },
      begin: () => connection.begin(),
      commit: () => {
        connection.commit();
      },
      cancel: () => {
        connection.cancel();
      },
      requestTurns: (on) => {
        connection.requestTurns(on);
      },
      getStats: () => connection.getStats(),
      playAudio: () => this.#player.resume(),
    };
    this.#deviceActions = {
      setMicrophone: (id) => connection.setMicrophone(id),
      setCamera: (id) => connection.setCamera(id),
      setSpeaker: async (id) => {
        const chosen = await this.#player.choose(id);
        this.#refresh();
        return chosen;
      },
      refresh: () => this.#listDevices(),
    };
    this.#setMethods(options.methods);
    this.#listen();
    this.#initial = this.#snapshot = this.#read();
  }

  /** Call a listener after each change; returns a function that removes it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The current snapshot: the same object until something changes. */
  readonly getSnapshot = (): StreamHandle => this.#snapshot;

  /** The idle snapshot, for the server and for hydration. */
  readonly getServerSnapshot = (): StreamHandle => this.#initial;

  /** Use other options from the next start on. Never notifies, so it may be called in each commit. */
  setOptions(options: UseStreamOptions): void {
    const [before, now] = [this.#options.devices, options.devices];
    this.#options = options;
    for (const id of ["microphoneId", "cameraId"] as const) {
      if (before?.[id] !== now?.[id]) this.#chosen = { ...this.#chosen, [id]: now?.[id] };
    }
    this.#setMethods(options.methods);
    if (!this.connection.active) this.#apply();
  }

  /** Notify of options that have changed the snapshot. Call it after each commit. */
  readonly followOptions = (): void => {
    this.#refresh();
  };

  /**
   * The component is mounted; returns a function for when it is not any more.
   *
   * Strict Mode and Fast Refresh unmount and mount it again at once, which a call survives: the
   * connection is stopped after that.
   */
  readonly mount = (): (() => void) => {
    this.#unmounted = false;
    const forget = watchDevices(() => void this.#listDevices(), this.#options.environment);
    void this.#listDevices();
    return () => {
      forget();
      this.#unmounted = true;
      queueMicrotask(() => {
        if (this.#unmounted) this.connection.stop();
      });
    };
  };

  async #start(options: Parameters<Actions["start"]>[0] = {}): Promise<boolean> {
    const { connection } = this;
    // Effects of children run before that of the hook, also when a hidden page is shown again.
    if (this.#unmounted) await Promise.resolve();
    if (this.#unmounted) return false;
    if (connection.active) return connection.start();
    this.#apply();
    this.#messages = [];
    this.#notice = null;
    this.#plays = this.#options.play ?? true;
    if (this.#playsAudio) this.#player.prepare();
    const outcome = connection.start("silent" in options ? options : {}); // or an event
    this.#refresh();
    return outcome;
  }

  get #playsAudio(): boolean {
    const { kinds, options } = this.connection;
    return this.#plays && kinds.includes("audio") && options.mode !== "send";
  }

  #apply(): void {
    const options = { ...this.#options, devices: this.#chosen };
    for (const name of CALLED) {
      const former = options[name];
      if (typeof former !== "function") continue;
      const latest = (): unknown => {
        const now = this.#options[name];
        return (typeof now === "function" ? now : former)();
      };
      Object.assign(options, { [name]: latest });
    }
    this.connection.options = options;
  }

  #setMethods(methods: UseStreamOptions["methods"] = {}): void {
    const names = new Set(Object.keys(methods));
    for (const name of this.#methods) {
      if (!names.has(name)) this.connection.handle(name, null);
    }
    for (const name of names) {
      if (this.#methods.has(name)) continue;
      // The latest function, which may be another one in each render.
      this.connection.handle(name, (data: never) => this.#options.methods?.[name]?.(data));
    }
    this.#methods = names;
  }

  #listen(): void {
    const { connection } = this;
    const refresh = (): void => {
      this.#refresh();
    };
    for (const name of EVENTS) connection.on(name, refresh);
    connection.on("reconnecting", () => {
      this.#progress = connection.reconnecting;
      this.#refresh();
    });
    connection.on("state", ({ error, previous }) => {
      this.#progress = connection.reconnecting;
      if (error) this.#notice = null;
      if (!connection.active) this.#player.stop();
      this.#refresh();
      if (previous === "asking") void this.#listDevices(); // which have names now
    });
    connection.on("remote", (stream) => {
      if (this.#playsAudio) this.#player.play(stream);
      this.#refresh();
    });
    connection.on("devices", (devices) => {
      this.#chosen = devices;
      this.#refresh();
    });
    connection.on("message", (message) => {
      const keep = this.#options.keepMessages ?? KEEP;
      if (keep > 0) {
        this.#messages = [...this.#messages, message].slice(-keep);
        this.#refresh();
      }
      this.#options.onMessage?.(message);
    });
    connection.on("notice", ({ sentence }) => {
      this.#tell({ level: "info", sentence });
    });
    for (const level of ["warning", "error"] as const) {
      connection.on(level, (sentence) => {
        this.#tell({ level, sentence });
      });
    }
  }

  #tell(notice: StreamNotice): void {
    this.#notice = notice;
    this.#refresh();
  }

  async #listDevices(): Promise<void> {
    const list = await listDevices(this.#options.environment).catch(() => this.#list);
    if (!canChooseSpeaker()) list.speakers = [];
    if (JSON.stringify(list) === JSON.stringify(this.#list)) return;
    this.#list = list;
    this.#refresh();
  }

  #read(): StreamHandle {
    const { connection } = this;
    const { microphoneId = null, cameraId = null } = connection.options.devices ?? {};
    return {
      ...this.#actions,
      state: connection.state,
      active: connection.active,
      id: connection.id,
      error: connection.error,
      notice: this.#notice,
      reconnecting: this.#progress,
      transport: connection.transport,
      conversation: connection.conversation,
      turn: connection.turn,
      messages: this.#messages,
      transcript: connection.transcripts,
      turns: connection.timeline,
      recording: connection.recording,
      muted: connection.muted,
      levels: connection.levels,
      devices: {
        ...this.#list,
        ...this.#deviceActions,
        microphoneId,
        cameraId,
        speakerId: this.#player.speakerId,
      },
      localStream: connection.localStream,
      remoteStream: connection.remoteStream,
      plays: this.#plays,
      audioBlocked: this.#player.blocked,
      connection,
    };
  }

  /** Replace the snapshot if it differs; what has not changed in it stays the same object. */
  #refresh(): void {
    const before = this.#snapshot;
    const now = this.#read();
    let changed = false;
    for (const key of Object.keys(now) as (keyof StreamHandle)[]) {
      if (isEqual(before[key], now[key])) Object.assign(now, { [key]: before[key] });
      else changed = true;
    }
    if (!changed) return;
    this.#snapshot = now;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Whether two values are the same, or plain objects with the same values. */
function isEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!isPlain(one) || !isPlain(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.is(one[key], other[key]))
  );
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}
