/** How loud the microphone is, before the start and during a call. */

import type { Connection } from "../client";
import { openDevices } from "../client/devices";
import { Levels } from "../client/levels";
import { h, setAttribute, show } from "./dom";
import { Frames } from "./frames";
import { Voice } from "./voices";

/** Whether the user has already allowed this page to use the microphone. */
async function isAllowed(): Promise<boolean> {
  try {
    const name = "microphone" as PermissionName; // TypeScript does not know it
    return (await navigator.permissions.query({ name })).state === "granted";
  } catch {
    return false; // the browser does not tell
  }
}

/** What the test needs of its connection. */
export type TestedConnection = Pick<Connection, "active" | "levels" | "options">;

/**
 * A level of the microphone. While nothing is connected it opens the microphone by itself, but
 * only where that is allowed already: it never asks.
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
   * @param connection Its own level is shown while it is active.
   * @param changed Called when the microphone is opened for the test, or closed.
   */
  constructor(
    private readonly connection: () => TestedConnection,
    private readonly changed: () => void,
  ) {}

  /** Whether the microphone is open for the test alone. */
  get testing(): boolean {
    return this.#open !== null;
  }

  /** Begins, or begins anew with another microphone. */
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

  /** Closes the microphone that it has opened: a call opens its own. */
  release(): void {
    this.#attempt += 1;
    this.#release();
  }

  /** Ends. */
  stop(): void {
    this.release();
    this.#frames.stop();
    show(this.root, false);
  }

  async #openMicrophone(): Promise<MediaStream | null> {
    const { modality, trackConstraints, devices } = this.connection().options;
    return openDevices(["audio"], modality ?? "audio", trackConstraints, devices).catch(() => null);
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
