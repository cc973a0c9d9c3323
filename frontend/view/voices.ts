/** The levels of each side, smoothed for display. */

/** A level meter of a stream, such as the client's `Meter`. */
export interface Source {
  /** The level in dB of full scale, -60 to 0. */
  level(): number;
  /** The levels of `count` bands, low to high, each 0 to 1. */
  bands(count: number): number[];
}

/** Number of frequency bands that shape a wave. */
export const BANDS = 4;

/** The level drawn as zero, in dB: the noise of a quiet room. */
const FLOOR = -52;
/** The level drawn as full height, in dB: close, clear speech. */
const CEILING = -12;
/** Time constants of rise and fall, in ms. */
const ATTACK = 45;
const RELEASE = 220;

/** One side of the conversation. */
export class Voice {
  /** The displayed level, 0 to 1. */
  level = 0;
  /** The displayed levels of its bands, each 0 to 1. */
  bands = new Array<number>(BANDS).fill(0);

  /** Reset to the state before a stream. */
  rest(): void {
    this.level = 0.2;
    this.bands = [1, 0.5, 0.25, 0];
  }

  /** Follow the source for a time in ms; without a source, silence. */
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
