/** The recent levels of both sides: sent audio above a line, received audio below. */

import { h } from "./dom";
import { Frames } from "./frames";
import type { Way } from "./messages";
import { fit } from "./waves";

/** Duration of a bar, in ms, and the number of bars: one minute. */
const STEP = 100;
const MOST = 600;
/** Distance of the bars and their width, in CSS pixels. */
const PITCH = 5;
const WIDTH = 3;

/** The sides, in the order of the levels. */
const COLORS = ["--frtc-sent", "--frtc-received"] as const;

/** The recent levels, newest last; each bar is the maximum of its time. */
export class LevelHistory {
  readonly bars: [number, number][] = [];
  #ends = 0;

  /** Add the current levels, each 0 to 1; the time is in ms. */
  add(time: number, sent: number, received: number): void {
    const gap = time - this.#ends;
    if (gap >= 0) {
      // A page in the background does not draw, so that time is unknown and omitted.
      this.#ends = gap < STEP ? this.#ends + STEP : time + STEP;
      this.bars.push([sent, received]);
      if (this.bars.length > MOST) this.bars.shift();
      return;
    }
    const last = this.bars.at(-1);
    if (!last) return;
    last[0] = Math.max(last[0], sent);
    last[1] = Math.max(last[1], received);
  }

  /** Clear it. */
  clear(): void {
    this.bars.length = 0;
    this.#ends = 0;
  }
}

/** Return the name of a side, beside a stroke in its color. */
export function swatch(side: Way, name: string | HTMLElement): HTMLElement {
  return h("span", { class: `frtc-swatch frtc-${side}` }, name);
}

/** The chart of the levels. */
export class HistoryChart {
  readonly canvas = h("canvas", { class: "frtc-history", role: "img" });
  readonly #frames = new Frames(() => {
    this.#draw();
  });

  /**
   * @param history The levels to draw.
   * @param sides The sides to draw.
   */
  constructor(
    private readonly history: LevelHistory,
    private readonly sides: readonly [boolean, boolean],
  ) {}

  /** Draw while it is shown. */
  open(open: boolean): void {
    if (open) this.#frames.start();
    else this.#frames.stop();
  }

  #draw(): void {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const { width, height } = fit(this.canvas);
    const scale = this.canvas.width / Math.max(1, width);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const colors = getComputedStyle(this.canvas);
    const both = this.sides[0] && this.sides[1];
    const middle = Math.round(height / 2);
    context.fillStyle = colors.getPropertyValue("--frtc-edge");
    context.fillRect(0, middle - 0.5, width, 1);
    this.sides.forEach((there, side) => {
      if (!there) return;
      context.fillStyle = colors.getPropertyValue(COLORS[side] ?? "");
      const room = middle - 2;
      this.history.bars.slice(-Math.ceil(width / PITCH)).forEach((bar, index, { length }) => {
        const size = Math.max(1, (bar[side] ?? 0) * room);
        const x = width - (length - index) * PITCH;
        if (!both) context.fillRect(x, middle - size, WIDTH, 2 * size);
        else if (side === 0) context.fillRect(x, middle - 1 - size, WIDTH, size);
        else context.fillRect(x, middle + 1, WIDTH, size);
      });
    });
  }
}
