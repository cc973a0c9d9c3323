/** Draws at the frame rate of the screen, only while something moves. */

/** Interval of frames if the user prefers reduced motion, in ms. */
const CALM_INTERVAL = 120;

/** Whether the user prefers reduced motion. */
export function wantsLessMotion(): boolean {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** An animation loop. */
export class Frames {
  #request = 0;
  #last = 0;

  /** @param draw Receives the time of the frame and the time since the previous one, in ms. */
  constructor(private readonly draw: (time: number, elapsed: number) => void) {}

  get running(): boolean {
    return this.#request !== 0;
  }

  start(): void {
    if (this.running) return;
    this.#last = performance.now();
    this.#request = requestAnimationFrame(this.#next);
  }

  stop(): void {
    cancelAnimationFrame(this.#request);
    this.#request = 0;
  }

  readonly #next = (time: number): void => {
    this.#request = requestAnimationFrame(this.#next);
    const elapsed = time - this.#last;
    if (elapsed <= 0 || (wantsLessMotion() && elapsed < CALM_INTERVAL)) return;
    this.#last = time;
    this.draw(time, elapsed);
  };
}
