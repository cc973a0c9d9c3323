/** The parts of the view, for each modality and mode. */

import type { Modality, Mode } from "@fastrtc/client";

/** The parts of a view. */
export interface Layout {
  /** Whether it sends audio, sends video, plays audio. */
  microphone: boolean;
  camera: boolean;
  speaker: boolean;
  /** The side whose video is large; null for audio only. */
  picture: "remote" | "local" | null;
  /** Whether the user's own video is shown as a small picture. */
  selfView: boolean;
}

/** Return the parts of a view. */
export function layoutOf(modality: Modality, mode: Mode): Layout {
  const sound = modality !== "video";
  const picture = modality !== "audio";
  const sends = mode !== "receive";
  const receives = mode !== "send";
  return {
    microphone: sound && sends,
    camera: picture && sends,
    speaker: sound && receives,
    picture: picture ? (receives ? "remote" : "local") : null,
    selfView: picture && sends && receives,
  };
}
