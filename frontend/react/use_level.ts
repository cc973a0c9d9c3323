/** The audio level of a stream. */

import { useEffect, useState } from "react";
import { follow, SILENCE } from "./frames";
import type { Side, StreamHandle } from "./types";

/** A render takes place at most this often, in ms. */
const INTERVAL = 50;

/**
 * Return the level of a side in dB of full scale, from -60 (silence, or no audio) to 0.
 *
 * The component renders up to 20 times a second while the level changes, so call it in a small one;
 * `AudioLevel` shows a level without renders.
 *
 * @param stream From `useStream`.
 * @param side Default `local`, the microphone.
 */
export function useLevel(stream: Pick<StreamHandle, "levels">, side: Side = "local"): number {
  const [level, setLevel] = useState(SILENCE);
  const meter = stream.levels[side];
  useEffect(() => {
    if (!meter) return;
    return follow(meter, INTERVAL, (now) => {
      setLevel(Math.round(now));
    });
  }, [meter]);
  return meter ? level : SILENCE;
}
