/** What the view says about where the stream stands. */

import type { ConnectionState, ConversationState, ErrorCode, FastRTCError } from "../client";
import type { Layout } from "./layout";

/** How a status looks: calm, on its way, live, or one of the conversation's states. */
export type Tone = "calm" | "busy" | "live" | ConversationState;

/** What is said, and what the main button does. */
export interface Status {
  text: string;
  tone: Tone;
  button: "start" | "waiting" | "stop";
  /** A sentence on why it ended, if there is more to say than that it did. */
  problem: { sentence: string; severe: boolean } | null;
}

/** What the status depends on. */
export interface Situation {
  state: ConnectionState;
  error: FastRTCError | null;
  conversation: ConversationState;
  microphoneMuted: boolean;
  cameraMuted: boolean;
  layout: Layout;
  /** Whether there is a text field beside the stream. */
  withText: boolean;
}

const CONVERSATION: Record<ConversationState, string> = {
  listening: "Listening",
  heard: "Heard you",
  thinking: "Thinking",
  speaking: "Speaking",
  interrupted: "Interrupted",
};

/** The server ended these as it was told to; nothing is wrong. */
const ORDERLY: ErrorCode[] = ["time_limit_reached", "ended_by_server"];

/** Puts the situation into words. */
export function statusOf(situation: Situation): Status {
  const { state, error } = situation;
  switch (state) {
    case "idle":
      return { text: idleText(situation), tone: "calm", button: "start", problem: null };
    case "asking":
      return { text: askingText(situation.layout), tone: "busy", button: "waiting", problem: null };
    case "connecting":
      return { text: "Connecting", tone: "busy", button: "waiting", problem: null };
    case "reconnecting":
      return {
        text: "Connection lost, trying to get it back",
        tone: "busy",
        button: "stop",
        problem: null,
      };
    case "connected":
      return { ...liveStatus(situation), button: "stop", problem: null };
    case "stopped":
    case "failed": {
      const severe = error !== null && !ORDERLY.includes(error.code);
      return {
        text: state === "failed" ? "Not connected" : "Stopped",
        tone: "calm",
        button: "start",
        problem: error && { sentence: error.sentence, severe },
      };
    }
  }
}

function liveStatus(situation: Situation): { text: string; tone: Tone } {
  const { layout, conversation, microphoneMuted, cameraMuted } = situation;
  if (layout.microphone) {
    const cameraToo = cameraMuted && layout.camera ? ", camera off" : "";
    if (microphoneMuted && (conversation === "listening" || conversation === "heard")) {
      return { text: `Microphone muted${cameraToo}`, tone: "live" };
    }
    const text = CONVERSATION[conversation];
    return {
      text: conversation === "listening" ? `${text}${cameraToo}` : text,
      tone: conversation,
    };
  }
  if (layout.camera && cameraMuted) return { text: "Camera off", tone: "live" };
  if (layout.picture) return { text: "Live", tone: "live" };
  return conversation === "speaking"
    ? { text: "Playing", tone: "speaking" }
    : { text: "Connected", tone: "live" };
}

function idleText({ layout: { microphone, camera, picture }, withText }: Situation): string {
  if (withText) return "Type a message, or start to talk";
  if (microphone && camera) return "Camera and microphone are off until you start";
  if (microphone) return "The microphone is off until you start";
  if (camera) return "The camera is off until you start";
  return picture ? "Ready to watch" : "Ready to listen";
}

function askingText({ microphone, camera }: Layout): string {
  if (microphone && camera) return "Allow the camera and the microphone in your browser";
  return `Allow the ${camera ? "camera" : "microphone"} in your browser`;
}
