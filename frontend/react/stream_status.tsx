/** A line that says where the stream stands. */

import { deviceNames, type ConnectionState, type ConversationState } from "@fastrtc/client";
import { forwardRef, type ComponentPropsWithoutRef, type ReactNode } from "react";
import { classes } from "./names";
import type { StreamHandle } from "./types";

/**
 * What the status says: the state of the connection, and while it is connected that of the
 * conversation, or `live` without a microphone, `muted`, or `blocked` if the browser waits for a
 * click to play audio.
 */
export type StatusName =
  Exclude<ConnectionState, "connected"> | ConversationState | "live" | "muted" | "blocked";

/** The properties of `StreamStatus`: those of a `<p>`, and these. */
export interface StreamStatusProps extends Omit<ComponentPropsWithoutRef<"p">, "children"> {
  /** From `useStream`. */
  stream: StreamHandle;
  /** Other texts, such as translations; the sentence of an `error` stays. */
  labels?: Partial<Record<StatusName, ReactNode>>;
}

const LABELS: Record<StatusName, string> = {
  idle: "Ready",
  asking: "Allow access in your browser",
  connecting: "Connecting",
  reconnecting: "Connection lost, reconnecting",
  stopped: "Stopped",
  failed: "Not connected",
  live: "Connected",
  muted: "Microphone muted",
  blocked: "Click anywhere to hear the audio",
  listening: "Listening",
  heard: "Hearing you",
  waiting: "Waiting for you to finish",
  thinking: "Thinking",
  speaking: "Speaking",
  paused: "Paused, listening to you",
  resumed: "Going on",
  interrupted: "Interrupted",
};

/**
 * A line that says where the stream stands, and why it has ended. Screen readers read each change.
 *
 * `data-status` is what it says. Other properties go to the `<p>`.
 */
export const StreamStatus = forwardRef<HTMLParagraphElement, StreamStatusProps>(
  function StreamStatus({ stream, labels, className, ...rest }, ref) {
    const status = statusOf(stream);
    return (
      <p
        role="status"
        {...rest}
        ref={ref}
        className={classes("fastrtc-status", className)}
        data-state={stream.state}
        data-status={status}
      >
        {errorOf(stream) ?? labels?.[status] ?? textOf(stream, status)}
      </p>
    );
  },
);

function statusOf(stream: StreamHandle): StatusName {
  const { state, audioBlocked, connection, conversation, muted, turn } = stream;
  if (state !== "connected") return state;
  if (audioBlocked) return "blocked";
  if (!connection.kinds.includes("audio")) return "live";
  const heard = conversation.state;
  const isQuiet = heard === "listening" || heard === "heard";
  if (connection.options.mode === "receive") return isQuiet ? "live" : heard;
  return isQuiet && muted.microphone && !turn.manual ? "muted" : heard;
}

/** Why it has ended; null while it is active, or if the user has stopped it. */
function errorOf({ active, error }: StreamHandle): string | null {
  return active ? null : (error?.sentence ?? null);
}

function textOf({ connection }: StreamHandle, status: StatusName): string {
  if (status === "asking") return `Allow the ${deviceNames(connection.kinds)} in your browser`;
  return LABELS[status];
}
