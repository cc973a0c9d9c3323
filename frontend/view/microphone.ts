/** The microphone level, before the start and during a call. */

import type { Connection } from "@fastrtc/client";
import { Levels, openDevices } from "@fastrtc/client/internal";
import { h, setAttribute, show } from "./dom";
import { Frames } from "./frames";
import { Voice } from "./voices";

/** Return whether the page already has permission to use the microphone. */
async function isAllowed(): Promise<boolean> {
  try {
    const name = "microphone" as PermissionName; // missing from TypeScript's types
    return (await navigator.permissions.query({ name })).state === "granted";
  } catch {
    return false; // the browser does not support the query
  }
}

/** The connection's interface for the level meter. */
export type TestedConnection = Pick<Connection, "active" | "levels" | "options">;

/**
 * A level meter of the microphone. Without a connection it opens the microphone itself, but only
 * if the page already has permission: it never asks the user.
 */
export class MicrophoneTest {
  readonly #meter = h("div", {
    class: "frtc-meter",
    role: "meter",
    "aria-label": "Microphone level",
    "aria-valuemin": 0,
    "aria-valuemax": 100,
  });
  readonly root = h(
    "div",
    { class: "frtc-level", hidden: true },
    h("span", { "aria-hidden": "true" }, "Level"),
    this.#meter,
  );
  readonly #voice = new Voice();
  readonly #frames = new Frames((_, elapsed) => {
    this.#draw(elapsed);
  });
  #open: { stream: MediaStream; levels: Levels | null } | null = null;
  #attempt = 0;

  /**
   * @param connection Its level is shown while it is active.
   * @param changed Called when the microphone is opened for the meter, or closed.
   */
  constructor(
    private readonly connection: () => TestedConnection,
    private readonly changed: () => void,
  ) {}

  /** Whether the microphone is open only for the meter. */
  get testing(): boolean {
    return this.#open !== null;
  }

  /** Start, or restart with another microphone. */
  async start(): Promise<void> {
    const attempt = (this.#attempt += 1);
    this.#release();
    if (!this.connection().active) {
      const opened = (await isAllowed()) ? await this.#openMicrophone() : null;
      if (attempt !== this.#attempt || this.connection().active) {
        opened?.getTracks().forEach(stop);
        if (attempt !== this.#attempt) return;
      } else if (opened) {
        const levels = Levels.open();
        levels?.watchLocal(opened);
        this.#open = { stream: opened, levels };
        this.changed();
      }
    }
    show(this.root, this.#open !== null || this.connection().active);
    if (!this.root.hidden) this.#frames.start();
  }

  /** Close the microphone if the meter opened it: a call opens its own. */
  release(): void {
    this.#attempt += 1;
    this.#release();
  }

  /** Stop. */
  stop(): void {
    this.release();
    this.#frames.stop();
    show(this.root, false);
  }

  async #openMicrophone(): Promise<MediaStream | null> {
    return openDevices(["audio"], this.connection().options).catch(() => null);
  }

  #release(): void {
    if (!this.#open) return;
    this.#open.stream.getTracks().forEach(stop);
    this.#open.levels?.close();
    this.#open = null;
    this.changed();
  }

  #draw(elapsed: number): void {
    const { active, levels } = this.connection();
    this.#voice.follow(active ? levels.local : (this.#open?.levels?.local ?? null), elapsed);
    const { level } = this.#voice;
    this.#meter.style.setProperty("--frtc-level", level.toFixed(3));
    setAttribute(this.#meter, "aria-valuenow", Math.round(level * 10) * 10);
  }
}

function stop(track: MediaStreamTrack): void {
  track.stop();
}
