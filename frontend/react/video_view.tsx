/** The picture of a stream. */

import { forwardRef, useEffect, useRef, type ComponentPropsWithoutRef } from "react";
import { classes } from "./names";
import { useMergedRef } from "./refs";
import type { Side, StreamHandle } from "./types";

/** The properties of `VideoView`: those of a `<video>`, and these. */
export interface VideoViewProps extends ComponentPropsWithoutRef<"video"> {
  /** From `useStream`. */
  stream: Pick<StreamHandle, "localStream" | "remoteStream" | "muted" | "plays" | "state">;
  /** Default `remote`, what the server sends; `local` is the user's own picture. */
  side?: Side;
  /** Whether the picture is mirrored by the style sheet. Default: the user's own one. */
  mirrored?: boolean;
}

const NAMES: Record<Side, string> = { local: "Your picture", remote: "Received picture" };

/**
 * A `<video>` with the picture of a side.
 *
 * It is silent where the hook plays the audio (`play`), and always for the user's own picture.
 * `data-side` is the side, `data-state` the state of the connection, `data-empty` is there without a
 * picture or with a camera that is off, and `data-mirrored` if it is mirrored. Other properties go
 * to the `<video>`.
 */
export const VideoView = forwardRef<HTMLVideoElement, VideoViewProps>(function VideoView(
  { stream, side = "remote", mirrored = side === "local", className, muted, ...rest },
  ref,
) {
  const video = useRef<HTMLVideoElement>(null);
  const setRef = useMergedRef(video, ref);
  const source = side === "local" ? stream.localStream : stream.remoteStream;
  const isEmpty = !source || (side === "local" && stream.muted.camera);
  const isSilent = muted ?? (side === "local" || stream.plays);
  useEffect(() => {
    // The property, because the attribute that React renders on the server is only the default.
    if (video.current) video.current.muted = isSilent;
  }, [isSilent]);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.srcObject = source;
    if (source) void element.play().catch(() => undefined); // its controls can play it
    return () => {
      element.srcObject = null;
    };
  }, [source]);
  return (
    <video
      autoPlay
      playsInline
      aria-label={NAMES[side]}
      {...rest}
      muted={isSilent}
      ref={setRef}
      className={classes("fastrtc-video", className)}
      data-side={side}
      data-state={stream.state}
      data-empty={isEmpty ? "" : undefined}
      data-mirrored={mirrored ? "" : undefined}
    />
  );
});
