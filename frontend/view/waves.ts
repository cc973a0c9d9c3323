/** Two groups of waves on a canvas, for sent and received audio. */

import type { Voice } from "./voices";

/** A voice and its color. */
export interface Strand {
  voice: Voice;
  color: string;
  /** Phase at time 0, so that two voices never coincide. */
  offset: number;
  /** Whether to draw a flat line because the side is muted. */
  still: boolean;
}

/**
 * The lines of a group, which form a twisting ribbon: the fraction of the height of each (negative
 * is upside down), its opacity, its width, and its phase lag.
 */
const LINES = [
  { reach: -0.55, opacity: 0.22, width: 1, lag: 0.5 },
  { reach: -0.2, opacity: 0.28, width: 1, lag: 0.4 },
  { reach: 0.2, opacity: 0.36, width: 1.25, lag: 0.3 },
  { reach: 0.6, opacity: 0.55, width: 1.5, lag: 0.15 },
  { reach: 1, opacity: 1, width: 2.25, lag: 0 },
];
/** Cycles of each band per width, and their speed in cycles per second. */
const CYCLES = [1.7, 2.6, 3.9, 5.6];
const SPEEDS = [0.42, 0.31, -0.36, 0.5];
/** The distance of the points of a line, in CSS pixels. */
const STEP = 3;
/** Amplitude of a live but silent wave, as a fraction of the height. */
const BREATH = 0.04;

/** Draw the waves at a time in s; silent ones still move slightly. */
export function drawWaves(canvas: HTMLCanvasElement, strands: Strand[], time: number): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const { width, height } = fit(canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  const scale = canvas.width / Math.max(1, width);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.lineCap = context.lineJoin = "round";
  for (const strand of strands) {
    context.strokeStyle = strand.color;
    for (const line of LINES) {
      context.globalAlpha = line.opacity;
      context.lineWidth = line.width;
      context.beginPath();
      for (let x = 0; x <= width + STEP; x += STEP) {
        const y = height / 2 - waveAt(x / width, strand, line.reach, line.lag, time) * (height / 2);
        if (x === 0) context.moveTo(x, y);
        else context.lineTo(x, y);
      }
      context.stroke();
    }
  }
  context.globalAlpha = 1;
  context.setTransform(1, 0, 0, 1, 0, 0);
}

/** Return the height of a line, -1 to 1, at a position from 0 (left) to 1 (right). */
export function waveAt(
  place: number,
  { voice, offset, still }: Strand,
  reach: number,
  lag: number,
  time: number,
): number {
  if (still) return 0;
  const taper = Math.sin(Math.PI * Math.min(1, Math.max(0, place))) ** 1.5;
  const total = voice.bands.reduce((sum, band) => sum + band, 0);
  let shape = 0;
  CYCLES.forEach((cycles, index) => {
    // If all bands are silent, the lowest wave keeps the line moving.
    const share = total > 0.01 ? (voice.bands[index] ?? 0) / total : index === 0 ? 1 : 0;
    const turn = place * cycles + time * (SPEEDS[index] ?? 0) + offset;
    shape += share * Math.sin(2 * Math.PI * turn + lag);
  });
  return taper * reach * shape * (BREATH + (0.96 - BREATH) * voice.level);
}

/** Match the canvas to its size on the screen; returns the size in CSS pixels. */
export function fit(canvas: HTMLCanvasElement): { width: number; height: number } {
  const { clientWidth: width, clientHeight: height } = canvas;
  const density = Math.min(2, window.devicePixelRatio || 1);
  const pixels = { width: Math.round(width * density), height: Math.round(height * density) };
  if (canvas.width !== pixels.width || canvas.height !== pixels.height) {
    canvas.width = pixels.width;
    canvas.height = pixels.height;
  }
  return { width, height };
}
