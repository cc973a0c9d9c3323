/** The button that starts and stops a stream. */

import { forwardRef, type ComponentPropsWithoutRef, type ReactNode } from "react";
import { classes } from "./names";
import type { StartOptions, StreamHandle } from "./types";

/** What the button does: `cancel` while it asks for devices or connects. */
export type StreamAction = "start" | "cancel" | "stop";

/** The properties of `StreamButton`: those of a `<button>`, and these. */
export interface StreamButtonProps extends ComponentPropsWithoutRef<"button"> {
  /** From `useStream`. */
  stream: StreamHandle;
  /** The labels, if not "Start", "Cancel" and "Stop". `children` replaces all of them. */
  labels?: Partial<Record<StreamAction, ReactNode>>;
  /** Options of `start()`. */
  startOptions?: StartOptions;
}

const LABELS: Record<StreamAction, string> = { start: "Start", cancel: "Cancel", stop: "Stop" };

/**
 * A button that starts the stream, cancels the attempt, or stops the stream.
 *
 * `data-state` is the state of the connection, `data-action` what a click does. Other properties go
 * to the `<button>`; an `onClick` that calls `preventDefault()` replaces the action.
 */
export const StreamButton = forwardRef<HTMLButtonElement, StreamButtonProps>(function StreamButton(
  { stream, labels, startOptions, className, onClick, children, ...rest },
  ref,
) {
  const action = actionOf(stream);
  return (
    <button
      type="button"
      {...rest}
      ref={ref}
      className={classes("fastrtc-button", className)}
      data-state={stream.state}
      data-action={action}
      onClick={(event) => {
        onClick?.(event);
        if (event.defaultPrevented) return;
        if (stream.active) stream.stop();
        else void stream.start(startOptions);
      }}
    >
      {children ?? labels?.[action] ?? LABELS[action]}
    </button>
  );
});

function actionOf({ state, active }: StreamHandle): StreamAction {
  if (!active) return "start";
  return state === "asking" || state === "connecting" ? "cancel" : "stop";
}
