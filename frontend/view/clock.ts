/** The elapsed time of a call. */

import { h, setText } from "./dom";

/** "0:07", "12:34", "1:02:03". */
export function elapsedText(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const ofMinute = two(seconds % 60);
  return hours ? `${hours}:${two(minutes)}:${ofMinute}` : `${minutes}:${ofMinute}`;
}

/** Counts while a call is live, including reconnects; it takes no room. */
export class Clock {
  readonly root = h("p", {
    class: "frtc-time",
    role: "timer",
    "aria-label": "Elapsed time",
    hidden: true,
  });
  #since = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Start or stop. */
  run(live: boolean): void {
    if (live === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.root.hidden = !live;
    if (!live) return;
    this.#since = performance.now();
    this.#timer = setInterval(() => {
      this.#tell();
    }, 1000);
    this.#tell();
  }

  #tell(): void {
    // A timer may fire slightly early.
    setText(this.root, elapsedText(performance.now() - this.#since + 50));
  }
}
