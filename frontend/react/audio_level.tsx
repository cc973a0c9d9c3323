/** A level meter. */

import { forwardRef, useEffect, useRef, type ComponentPropsWithoutRef } from "react";
import { follow, SILENCE } from "./frames";
import { classes } from "./names";
import { useMergedRef } from "./refs";
import type { Side, StreamHandle } from "./types";

/** The properties of `AudioLevel`: those of a `<div>`, and these. */
export interface AudioLevelProps extends ComponentPropsWithoutRef<"div"> {
  /** From `useStream`. */
  stream: Pick<StreamHandle, "levels" | "state">;
  /** Default `local`, the microphone. */
  side?: Side;
}

const NAMES: Record<Side, string> = { local: "Microphone level", remote: "Received level" };

/** The level drawn as zero, in dB: the noise of a quiet room. */
const FLOOR = -52;
/** The level drawn as full, in dB: close, clear speech. */
const CEILING = -12;
/** Time constant of the fall, in ms; the rise is immediate. */
const RELEASE = 180;
/** How often assistive technology gets another value, in ms. */
const TOLD_EVERY = 500;

/**
 * A level meter without renders: the CSS variable `--fastrtc-level` of the element follows the
 * level, from 0 (a quiet room) to 1 (clear speech).
 *
 * It has the role `meter`, with the level in dB. `data-side` is the side, `data-state` the state of
 * the connection. Other properties go to the `<div>`.
 */
export const AudioLevel = forwardRef<HTMLDivElement, AudioLevelProps>(function AudioLevel(
  { stream, side = "local", className, ...rest },
  ref,
) {
  const root = useRef<HTMLDivElement>(null);
  const setRef = useMergedRef(root, ref);
  const meter = stream.levels[side];
  useEffect(() => {
    const element = root.current;
    if (!meter || !element) return;
    let shown = 0;
    let [last, told] = [0, -Infinity];
    const stop = follow(meter, 0, (level, time) => {
      const target = Math.min(1, Math.max(0, (level - FLOOR) / (CEILING - FLOOR)));
      shown = Math.max(target, shown * Math.exp((last - time) / RELEASE));
      last = time;
      element.style.setProperty("--fastrtc-level", shown.toFixed(3));
      if (time - told < TOLD_EVERY) return;
      told = time;
      tell(element, level);
    });
    return () => {
      stop();
      element.style.removeProperty("--fastrtc-level");
      tell(element, SILENCE);
    };
  }, [meter]);
  return (
    <div
      role="meter"
      aria-label={NAMES[side]}
      aria-valuemin={SILENCE}
      aria-valuemax={0}
      aria-valuenow={SILENCE}
      aria-valuetext={`${SILENCE} dB`}
      {...rest}
      ref={setRef}
      className={classes("fastrtc-level", className)}
      data-side={side}
      data-state={stream.state}
    />
  );
});

function tell(element: HTMLElement, level: number): void {
  element.setAttribute("aria-valuenow", level.toFixed(0));
  element.setAttribute("aria-valuetext", `${level.toFixed(0)} dB`);
}
