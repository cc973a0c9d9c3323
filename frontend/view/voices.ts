/** How loud each side is, smoothed for the eye. */

/** What measures a stream, such as the client's `Meter`. */
export interface Source {
  /** In dB below full scale, -60 to 0. */
  level(): number;
  /** The strength of `count` bands, low to high, each 0 to 1. */
  bands(count: number): number[];
}

/** How many bands of the voice shape a wave. */
export const BANDS = 4;

/** The level, in dB, that is drawn as nothing: the noise of a quiet room. */
const FLOOR = -52;
/** The level, in dB, that is drawn as full: close, clear speech. */
const CEILING = -12;
/** How fast a wave rises and falls, as the time in ms to come two thirds of the way. */
const ATTACK = 45;
const RELEASE = 220;

/** One side of the conversation. */
export class Voice {
  /** How loud it looks, 0 to 1. */
  level = 0;
  /** How strong its bands look, each 0 to 1. */
  bands = new Array<number>(BANDS).fill(0);

  /** Takes the look of a stream that has not begun. */
  rest(): void {
    this.level = 0.2;
    this.bands = [1, 0.5, 0.25, 0];
  }

  /** Follows the source for so many ms; no source is silence. */
  follow(source: Source | null, elapsed: number): void {
    const level = source ? (source.level() - FLOOR) / (CEILING - FLOOR) : 0;
    this.level = approach(this.level, Math.min(1, Math.max(0, level)), elapsed);
    const bands = source?.bands(BANDS) ?? [];
    this.bands = this.bands.map((band, index) => approach(band, bands[index] ?? 0, elapsed));
  }
}

function approach(value: number, target: number, elapsed: number): number {
  const time = target > value ? ATTACK : RELEASE;
  return value + (target - value) * (1 - Math.exp(-elapsed / time));
}
