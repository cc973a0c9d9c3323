/** What the client uses of the browser, which may be given instead where there is none. */

import { noWebRTC } from "./sentences";
import type { Environment } from "./types";

/**
 * Return what is given, or else what the browser has; undefined if there is none.
 *
 * The navigator is asked first: an element with the id "mediaDevices" is a global of that name.
 */
export function fromEnvironment<Name extends keyof Environment>(
  given: Environment | undefined,
  name: Name,
): Environment[Name] {
  const globals = globalThis as Environment & { navigator?: Environment };
  return given?.[name] ?? globals.navigator?.[name] ?? globals[name];
}

/** Add a listener until the signal is aborted, where there are such events. */
export function listen(
  target: Partial<EventTarget> | undefined,
  type: string,
  listener: () => void,
  signal: AbortSignal,
): void {
  target?.addEventListener?.(type, listener, { signal });
}

/**
 * Create a stream.
 *
 * @throws FastRTCError if there are none.
 */
export function makeStream(
  given: Environment | undefined,
  ...tracks: MediaStreamTrack[]
): MediaStream {
  const Stream = fromEnvironment(given, "MediaStream");
  if (!Stream) throw noWebRTC();
  return new Stream(tracks);
}
