/** Reads a meter as often as the screen is drawn. */

import type { Meter } from "@fastrtc/client";

/** The level of silence, in dB of full scale. */
export const SILENCE = -60;

/**
 * Call a listener with the level of a meter, in dB of full scale.
 *
 * @param interval The shortest time between two calls, in ms; 0 is each frame.
 * @returns A function that ends it.
 */
export function follow(
  meter: Meter,
  interval: number,
  listener: (level: number, time: number) => void,
): () => void {
  let last = -Infinity;
  let frame = requestAnimationFrame(function read(time) {
    frame = requestAnimationFrame(read);
    if (time - last < interval) return;
    last = time;
    listener(meter.level(), time);
  });
  return () => {
    cancelAnimationFrame(frame);
  };
}
