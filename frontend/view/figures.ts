/** Statistics as text, with a dash for unknown values. */

import type { StreamStats } from "@fastrtc/client";

/** Return a bitrate of bit/s as text. */
export function bitrate(bits: number | null | undefined): string {
  if (bits == null) return "–";
  return bits < 1e6 ? `${Math.round(bits / 1e3)} kbit/s` : `${(bits / 1e6).toFixed(1)} Mbit/s`;
}

/**
 * Return a time as text.
 *
 * @param factor The milliseconds in a unit of the value: 1000 for seconds.
 */
export function milliseconds(value: number | null | undefined, factor: number): string {
  return value == null ? "–" : `${Math.round(value * factor)} ms`;
}

/** Return a share from 0 to 1 as text. */
export function percent(share: number | null | undefined): string {
  return share == null ? "–" : `${(share * 100).toFixed(1)} %`;
}

/** Return the size and the frame rate of the picture as text. */
export function pictureText(stats: StreamStats | null): string {
  if (!stats?.picture) return "–";
  const { width, height, framesPerSecond } = stats.picture;
  return `${width} × ${height}, ${Math.round(framesPerSecond)}/s`;
}

/** Return the names of the codecs as text. */
export function codecs(stats: StreamStats | null): string {
  return stats?.codecs.join(", ") || "–";
}
