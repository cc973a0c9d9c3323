/** The text of the view for each state of the stream. */

import type {
  ConnectionState,
  ConversationState,
  ErrorCode,
  FastRTCError,
  TurnState,
} from "@fastrtc/client";
import type { Layout } from "./layout";

/** The style of a status: idle, connecting, live, muted, or a state of the conversation. */
export type Tone = "calm" | "busy" | "live" | "muted" | ConversationState;

/** The text, and the action of the main button. */
export interface Status {
  text: string;
  tone: Tone;
  button: "start" | "waiting" | "stop";
  /** The reason why it ended, if any. */
  problem: { sentence: string; severe: boolean } | null;
}

/** The situation that determines the status. */
export interface Situation {
  state: ConnectionState;
  error: FastRTCError | null;
  conversation: ConversationState;
  turn: TurnState;
  microphoneMuted: boolean;
  cameraMuted: boolean;
  speakerMuted: boolean;
  /** The name of the other participant. */
  assistant: string;
  layout: Layout;
  /** Whether the page was reloaded during a call, for example by Gradio after a restart. */
  reloaded: boolean;
  /** Whether Gradio has lost the server, even if media still seems to flow. */
  serverLost: boolean;
  /** Whether the microphone is open for its level meter. */
  testing: boolean;
  /** Whether the first frame of the server's video is still missing. */
  pictureMissing: boolean;
  /** Whether it has just reconnected: to the same session, or with a new one. */
  again: "resumed" | "renewed" | null;
  /** The server's error while there is no video. */
  complaint: string | null;
  /** Whether there is a text field beside the stream. */
  withText: boolean;
}

const CONVERSATION: Record<ConversationState, (assistant: string) => string> = {
  listening: () => "Listening",
  heard: () => "Hearing you",
  waiting: () => "Waiting for you to finish",
  thinking: () => "Thinking",
  speaking: (assistant) => `${assistant} is speaking`,
  paused: (assistant) => `${assistant} has paused, listening to you`,
  resumed: (assistant) => `${assistant} goes on`,
  interrupted: () => "Interrupted",
};

/** Regular ends by the server, which are not errors. */
const ORDERLY: ErrorCode[] = ["time_limit_reached", "idle_timeout", "replaced", "ended_by_server"];

const LOST: Status = {
  text: "Connection lost, reconnecting",
  tone: "busy",
  button: "stop",
  problem: null,
};

/** Return the status for a situation. */
export function statusOf(situation: Situation): Status {
  const { state, error } = situation;
  switch (state) {
    case "idle":
      if (situation.reloaded) {
        const sentence = "The page was loaded anew, which ended the call. Start again to go on.";
        return {
          text: situation.testing ? idleText(situation) : "Stopped",
          tone: "calm",
          button: "start",
          problem: { sentence, severe: false },
        };
      }
      return { text: idleText(situation), tone: "calm", button: "start", problem: null };
    case "asking":
      return { text: askingText(situation.layout), tone: "busy", button: "waiting", problem: null };
    case "connecting":
      return { text: "Connecting", tone: "busy", button: "waiting", problem: null };
    case "reconnecting":
      return LOST;
    case "connected": {
      if (situation.serverLost) return LOST;
      const { complaint } = situation;
      const problem = complaint === null ? null : { sentence: complaint, severe: true };
      return { ...liveStatus(situation), button: "stop", problem };
    }
    case "stopped":
    case "failed": {
      const severe = error !== null && !ORDERLY.includes(error.code);
      return {
        text: situation.testing
          ? idleText(situation)
          : state === "failed"
            ? "Not connected"
            : "Stopped",
        tone: "calm",
        button: "start",
        problem: error && { sentence: error.sentence, severe },
      };
    }
  }
}

const AGAIN = {
  resumed: "Connected again",
  renewed: "Connected again, with a new conversation",
};

function liveStatus(situation: Situation): { text: string; tone: Tone } {
  if (situation.again) return { text: AGAIN[situation.again], tone: "live" };
  const { layout, turn, assistant } = situation;
  const microphoneMuted = situation.microphoneMuted && !turn.manual;
  const conversation = turn.manual ? ofManualTurn(situation) : situation.conversation;
  const cameraOff = situation.cameraMuted && layout.camera;
  const speakerOff = situation.speakerMuted && layout.speaker;
  const speakerToo = speakerOff ? ", speaker muted" : "";
  const off = cameraOff || microphoneMuted;
  const waits = situation.pictureMissing && layout.picture === "remote" && !off;
  if (waits && conversation === "listening") {
    return { text: "Waiting for the first picture", tone: "busy" };
  }
  if (layout.microphone) {
    const cameraToo = cameraOff ? ", camera off" : "";
    if (microphoneMuted && (conversation === "listening" || conversation === "heard")) {
      // Short enough for one line on a phone.
      if (cameraOff && speakerOff)
        return { text: "Microphone, camera and speaker off", tone: "muted" };
      const muted = speakerOff ? "Microphone and speaker muted" : "Microphone muted";
      return { text: muted + cameraToo, tone: "muted" };
    }
    const isReady = turn.manual && conversation === "listening";
    const text = isReady ? "Your turn" : CONVERSATION[conversation](assistant);
    if (conversation === "listening")
      return { text: text + cameraToo + speakerToo, tone: conversation };
    return { text: conversation === "speaking" ? text + speakerToo : text, tone: conversation };
  }
  if (cameraOff) return { text: `Camera off${speakerToo}`, tone: "muted" };
  if (layout.picture) return { text: `Live${speakerToo}`, tone: "live" };
  if (speakerOff) return { text: "Speaker muted", tone: "muted" };
  return conversation === "speaking"
    ? { text: "Playing", tone: "speaking" }
    : { text: "Connected", tone: "live" };
}

/** Only a button that is held makes it the user's turn. */
function ofManualTurn({ turn, conversation }: Situation): ConversationState {
  if (turn.talking) return conversation === "interrupted" ? conversation : "heard";
  return conversation === "heard" ? "listening" : conversation;
}

function idleText({ layout, withText, testing }: Situation): string {
  const { microphone, camera, picture } = layout;
  if (testing) return "Testing the microphone, nothing is sent";
  if (withText) return "Type a message, or start to talk";
  if (microphone && camera) return "Camera and microphone are off";
  if (microphone) return "The microphone is off until you start";
  if (camera) return "The camera is off until you start";
  return picture ? "Ready to watch" : "Ready to listen";
}

function askingText({ microphone, camera }: Layout): string {
  if (microphone && camera) return "Allow camera and microphone access";
  return `Allow the ${camera ? "camera" : "microphone"} in your browser`;
}
