/** Plays the received audio in an element that is not in the document. */

import { setSpeaker } from "@fastrtc/client";

/**
 * The events after which browsers play audio: a finger's `pointerdown` is none, and WebKit wants
 * `touchend`.
 */
const GESTURES = ["pointerup", "touchend", "click", "keydown"];

/** The element, and whether the browser lets it play. */
export class Player {
  /** Whether the browser waits for a click of the user. */
  blocked = false;
  /** The id of the speaker; null is the default. */
  speakerId: string | null = null;
  #element: HTMLAudioElement | null = null;
  #gestures: AbortController | null = null;

  /** @param changed Called when `blocked` has changed. */
  constructor(private readonly changed: () => void) {}

  /** Create the element in a click: browsers then let it play later. */
  prepare(): void {
    const element = this.#open();
    // WebKit lets an element play without a click once it was loaded in one.
    if (element && !element.srcObject) element.load();
  }

  /** Play a stream. */
  play(stream: MediaStream): void {
    const element = this.#open();
    if (!element || element.srcObject === stream) return;
    element.srcObject = stream;
    void this.resume();
  }

  /** Play again after the browser has blocked it. */
  async resume(): Promise<void> {
    const element = this.#element;
    const stream = element?.srcObject;
    if (!element || !stream) return;
    try {
      await element.play();
      this.#block(false);
    } catch (error) {
      // "AbortError" only means that another stream replaced this one before it played.
      if (isNotAllowed(error) && element.srcObject === stream) this.#block(true);
    }
  }

  /** Play on another speaker; false if that is not possible. */
  async choose(id: string): Promise<boolean> {
    const element = this.#open();
    if (!element || !(await setSpeaker(element, id))) return false;
    this.speakerId = id || null;
    return true;
  }

  /** Stop and release the stream. */
  stop(): void {
    if (this.#element?.srcObject) this.#element.srcObject = null;
    this.#block(false);
  }

  #open(): HTMLAudioElement | null {
    // Without a document, as in React Native, the platform plays the audio.
    if (typeof Audio !== "undefined") this.#element ??= new Audio();
    return this.#element;
  }

  #block(blocked: boolean): void {
    if (this.blocked === blocked) return;
    this.blocked = blocked;
    this.#gestures?.abort();
    this.#gestures = null;
    if (blocked) {
      this.#gestures = new AbortController();
      const { signal } = this.#gestures;
      for (const gesture of GESTURES) {
        document.addEventListener(gesture, () => void this.resume(), { signal, capture: true });
      }
    }
    this.changed();
  }
}

function isNotAllowed(error: unknown): boolean {
  return error instanceof DOMException && error.name === "NotAllowedError";
}
