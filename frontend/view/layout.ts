/** What a view consists of, for each pair of modality and mode. */

import type { Modality, Mode } from "../client";

/** The parts of a view. */
export interface Layout {
  /** Whether it sends sound, sends a picture, plays sound. */
  microphone: boolean;
  camera: boolean;
  speaker: boolean;
  /** Whose picture is the large one; null for sound alone. */
  picture: "remote" | "local" | null;
  /** Whether the own picture is shown small beside the large one. */
  selfView: boolean;
}

/** Gives the parts of a view. */
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
