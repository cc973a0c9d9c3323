/** What both sides have said. */

import type { Speaker } from "@fastrtc/client";
import {
  forwardRef,
  useEffect,
  useRef,
  type ComponentPropsWithoutRef,
  type ReactNode,
} from "react";
import { classes } from "./names";
import { useMergedRef } from "./refs";
import type { StreamHandle } from "./types";

/** The properties of `Captions`: those of a `<div>`, and these. */
export interface CaptionsProps extends Omit<ComponentPropsWithoutRef<"div">, "children"> {
  /** From `useStream`. */
  stream: Pick<StreamHandle, "transcript">;
  /** The names of both sides, if not "You" and "Assistant". */
  names?: Partial<Record<Speaker, ReactNode>>;
}

const NAMES: Record<Speaker, string> = { user: "You", assistant: "Assistant" };

/** Distance from the end at which new text is still followed, in CSS pixels. */
const NEAR = 24;

/**
 * The transcripts of both sides as far as the program sends them, in a box that scrolls to the end.
 *
 * Each is a `<p>` with `data-who`, and `data-partial` or `data-interrupted` where that holds. Screen
 * readers read a text once, when it is final. Other properties go to the `<div>`.
 */
export const Captions = forwardRef<HTMLDivElement, CaptionsProps>(function Captions(
  { stream, names, className, ...rest },
  ref,
) {
  const { transcript } = stream;
  const root = useRef<HTMLDivElement>(null);
  const setRef = useMergedRef(root, ref);
  const height = useRef(0);
  useEffect(() => {
    const box = root.current;
    if (!box) return;
    const follows = box.scrollTop + box.clientHeight >= height.current - NEAR;
    if (follows) box.scrollTop = box.scrollHeight;
    height.current = box.scrollHeight;
  }, [transcript]);
  return (
    <div
      role="log"
      aria-label="Captions"
      tabIndex={0}
      {...rest}
      ref={setRef}
      className={classes("fastrtc-captions", className)}
    >
      {transcript.map(({ key, who, text, final, interrupted }) => (
        // Another element when it is final, because screen readers read new ones.
        <p
          key={`${key}-${String(final)}`}
          dir="auto"
          aria-hidden={final ? undefined : true}
          data-who={who}
          data-partial={final ? undefined : ""}
          data-interrupted={interrupted ? "" : undefined}
        >
          <bdi>{names?.[who] ?? NAMES[who]}</bdi> <span>{text}</span>
        </p>
      ))}
    </div>
  );
});
