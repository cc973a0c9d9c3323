import { expect, it } from "vitest";
import { FastRTCError } from "@fastrtc/client";
import { endError } from "@fastrtc/client/internal";
import { layoutOf } from "../../view/layout";
import { statusOf, type Situation } from "../../view/status";

function situation(changes: Partial<Situation> = {}): Situation {
  return {
    state: "connected",
    error: null,
    conversation: "listening",
    turn: { manual: false, talking: false },
    microphoneMuted: false,
    cameraMuted: false,
    speakerMuted: false,
    assistant: "Ada",
    layout: layoutOf("audio", "send-receive"),
    pictureMissing: false,
    complaint: null,
    again: null,
    withText: false,
    testing: false,
    reloaded: false,
    serverLost: false,
    ...changes,
  };
}

it.each([
  ["audio", "send-receive", "The microphone is off until you start"],
  ["video", "send", "The camera is off until you start"],
  ["audio-video", "send", "Camera and microphone are off"],
  ["audio", "receive", "Ready to listen"],
  ["audio-video", "receive", "Ready to watch"],
] as const)("says before the start of %s, %s what is off", (modality, mode, text) => {
  const status = statusOf(situation({ state: "idle", layout: layoutOf(modality, mode) }));
  expect(status).toEqual({ text, tone: "calm", button: "start", problem: null });
});

it.each([
  ["idle", "start"],
  ["asking", "waiting"],
  ["connecting", "waiting"],
  ["connected", "stop"],
  ["reconnecting", "stop"],
  ["stopped", "start"],
  ["failed", "start"],
] as const)("gives the main button its use in the state %s", (state, button) => {
  expect(statusOf(situation({ state })).button).toBe(button);
});

it.each([
  ["listening", "Listening"],
  ["heard", "Hearing you"],
  ["thinking", "Thinking"],
  ["speaking", "Ada is speaking"],
  ["interrupted", "Interrupted"],
  ["waiting", "Waiting for you to finish"],
  ["paused", "Ada has paused, listening to you"],
  ["resumed", "Ada goes on"],
] as const)("follows the conversation: %s", (conversation, text) => {
  expect(statusOf(situation({ conversation }))).toMatchObject({ text, tone: conversation });
});

it("says that the microphone is muted, but not over the answer", () => {
  const muted = { microphoneMuted: true };
  expect(statusOf(situation(muted))).toMatchObject({ text: "Microphone muted", tone: "muted" });
  expect(statusOf(situation({ ...muted, conversation: "speaking" })).text).toBe("Ada is speaking");
});

it.each([
  [{}, "Listening, speaker muted", "listening"],
  [{ conversation: "speaking" }, "Ada is speaking, speaker muted", "speaking"],
  [{ conversation: "thinking" }, "Thinking", "thinking"],
  [{ microphoneMuted: true }, "Microphone and speaker muted", "muted"],
  [
    { microphoneMuted: true, cameraMuted: true, layout: layoutOf("audio-video", "send-receive") },
    "Microphone, camera and speaker off",
    "muted",
  ],
  [{ layout: layoutOf("audio", "receive") }, "Speaker muted", "muted"],
  [{ layout: layoutOf("audio-video", "receive") }, "Live, speaker muted", "live"],
  [{ layout: layoutOf("audio", "send") }, "Listening", "listening"],
] as const)("says that the speaker is muted: %o", (changes, text, tone) => {
  expect(statusOf(situation({ speakerMuted: true, ...changes }))).toMatchObject({ text, tone });
});

it.each([
  ["video", "listening", "Camera off"],
  ["audio-video", "listening", "Listening, camera off"],
  ["audio-video", "speaking", "Ada is speaking"],
  ["audio", "listening", "Listening"],
] as const)("says that the camera is off: %s, %s", (modality, conversation, text) => {
  const layout = layoutOf(modality, "send-receive");
  expect(statusOf(situation({ cameraMuted: true, conversation, layout })).text).toBe(text);
});

it("says that both are off", () => {
  const layout = layoutOf("audio-video", "send");
  const both = situation({ microphoneMuted: true, cameraMuted: true, layout });
  expect(statusOf(both).text).toBe("Microphone muted, camera off");
});

it("speaks of no conversation where nobody is listened to", () => {
  const receive = layoutOf("audio", "receive");
  expect(statusOf(situation({ layout: receive })).text).toBe("Connected");
  expect(statusOf(situation({ layout: receive, conversation: "speaking" })).text).toBe("Playing");
  expect(statusOf(situation({ layout: layoutOf("video", "send-receive") })).text).toBe("Live");
});

it("says that the microphone is open while it is tested, before a start and after", () => {
  const text = "Testing the microphone, nothing is sent";
  for (const state of ["idle", "stopped", "failed"] as const) {
    expect(statusOf(situation({ state, testing: true })).text).toBe(text);
  }
});

it("does not call it live while Gradio says that the server is lost", () => {
  const lost = statusOf(situation({ serverLost: true }));
  expect(lost).toEqual(statusOf(situation({ state: "reconnecting" })));
  expect(lost.text).toBe("Connection lost, reconnecting");
});

it("says why the call is over where the page was loaded anew", () => {
  const { text, problem } = statusOf(situation({ state: "idle", reloaded: true }));
  const sentence = "The page was loaded anew, which ended the call. Start again to go on.";
  expect([text, problem]).toEqual(["Stopped", { sentence, severe: false }]);
  expect(statusOf(situation({ state: "connecting", reloaded: true })).problem).toBeNull();
});

it("tells why it failed", () => {
  const error = new FastRTCError("permission_denied", "This page may not use the microphone.");
  expect(statusOf(situation({ state: "failed", error }))).toMatchObject({
    text: "Not connected",
    problem: { sentence: "This page may not use the microphone.", severe: true },
  });
});

it("does not look alarmed when the time is up", () => {
  const error = new FastRTCError("time_limit_reached", "The time is up.");
  expect(statusOf(situation({ state: "stopped", error }))).toMatchObject({
    text: "Stopped",
    problem: { sentence: "The time is up.", severe: false },
  });
});

it.each([
  ["video", "send-receive", "Waiting for the first picture", "busy"],
  ["video", "receive", "Waiting for the first picture", "busy"],
  ["audio-video", "send-receive", "Waiting for the first picture", "busy"],
  ["video", "send", "Live", "live"],
  ["audio", "send-receive", "Listening", "listening"],
] as const)("waits in %s, %s for a picture of the server alone", (modality, mode, text, tone) => {
  const layout = layoutOf(modality, mode);
  expect(statusOf(situation({ layout, pictureMissing: true }))).toMatchObject({ text, tone });
});

it("shows what is wrong where the picture would be, and can still be stopped", () => {
  const layout = layoutOf("video", "send-receive");
  const status = statusOf(situation({ layout, pictureMissing: true, complaint: "No such model" }));
  expect(status.button).toBe("stop");
  expect(status.problem).toEqual({ sentence: "No such model", severe: true });
});

it.each([
  ["listening", false, "Your turn", "listening"],
  ["heard", false, "Your turn", "listening"],
  ["listening", true, "Hearing you", "heard"],
  ["thinking", true, "Hearing you", "heard"],
  ["interrupted", true, "Interrupted", "interrupted"],
  ["thinking", false, "Thinking", "thinking"],
  ["speaking", false, "Ada is speaking", "speaking"],
] as const)(
  "says in manual turns whose it is: %s, talking %s",
  (conversation, talking, text, tone) => {
    const turn = { manual: true, talking };
    const shown = statusOf(situation({ conversation, turn, microphoneMuted: true }));
    expect(shown).toMatchObject({ text, tone });
  },
);

it("says that it is connected again, and whether the conversation goes on", () => {
  expect(statusOf(situation({ state: "reconnecting" })).text).toBe("Connection lost, reconnecting");
  const again = { again: "resumed", conversation: "speaking" } as const;
  expect(statusOf(situation(again))).toMatchObject({ text: "Connected again", tone: "live" });
  expect(statusOf(situation({ again: "renewed" })).text).toBe(
    "Connected again, with a new conversation",
  );
});

it("says that the conversation was opened elsewhere, which is no error", () => {
  const { problem } = statusOf(situation({ state: "stopped", error: endError("", "replaced") }));
  expect(problem).toEqual({
    sentence: "This conversation was opened in another window.",
    severe: false,
  });
});
