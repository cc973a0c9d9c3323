/**
 * React hooks and components for a `fastrtc.Stream`: React 18 and newer, on top of `@fastrtc/client`.
 *
 * The components have no styles; `@fastrtc/react/styles.css` is optional.
 */

export { AudioLevel } from "./audio_level";
export type { AudioLevelProps } from "./audio_level";
export { Captions } from "./captions";
export type { CaptionsProps } from "./captions";
export { StreamButton } from "./stream_button";
export type { StreamAction, StreamButtonProps } from "./stream_button";
export { StreamStatus } from "./stream_status";
export type { StatusName, StreamStatusProps } from "./stream_status";
export type {
  Side,
  StartOptions,
  StreamDevices,
  StreamHandle,
  StreamNotice,
  UseStreamOptions,
} from "./types";
export { useLevel } from "./use_level";
export { useStream } from "./use_stream";
export { VideoView } from "./video_view";
export type { VideoViewProps } from "./video_view";
