/** Shows one view in one state: `?view=audio&mode=send-receive&state=speaking&theme=dark`. */

import type { FastRTCError, Modality, Mode, StreamStats } from "@fastrtc/client";
import { deviceError, endError, httpError, iceError, kindsOf } from "@fastrtc/client/internal";
import { lostError, refusalError, unreachableError } from "../client/sentences";
import { View } from "../view";
import { FakeConnection } from "./fake";

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="#fff"><path d="M6.6 10.8a15 15 0 0 0 6.6 6.6l2.2-2.2a1 1 0 0 1 1-.25 11.4 11.4 0 0 0 3.6.57 1 1 0 0 1 1 1V20a1 1 0 0 1-1 1A17 17 0 0 1 3 4a1 1 0 0 1 1-1h3.500a1 1 0 0 1 1 1c0 1.250.2 2.450.57 3.570a1 1 0 0 1-.25 1z"/></svg>`;

const STATS: StreamStats = {
  route: "srflx",
  protocol: "udp",
  roundTrip: 0.034,
  jitter: 0.004,
  loss: 0.0021,
  sending: 41_000,
  receiving: 640_000,
  picture: null,
  codecs: ["opus"],
  latency: 412,
  latencyFromSpeech: 913,
};

/** Records of turns as a server sends them; the last one goes on. */
const RECORDS = [
  { kind: "start_up", first_sent_s: 0.2, first_heard_s: 0.3, played_s: 2.1 },
  record(4, [2.3, 0.52, 0.02, 0.53, 0.02, 0.09], 3.4),
  record(12, [1.1, 0.21, 0.01, 0.22, 0.02, 0.1], 1.2, {
    ended_by: "model",
    outcome: "interrupted",
  }),
  record(18, [4.6, 0.55, 0.16, 2.16, 0.03, 0.12], 6.8),
  record(33, [0.7, 0.5, 0.02], null, {
    function_ended_s: 36.1,
    outcome: "failed",
    error: "TimeoutError",
  }),
  record(36, [1.9, 0.5, 0.02, 0.46, 0.02, 0.09], 2.6),
];

/** More turns than fit, with parts of less than a millisecond, and of minutes. */
const MANY = Array.from({ length: 24 }, (_, index) =>
  record(10 * index, [1 + (index % 5), 0.5, 0.003, 0.2 + (index % 7) / 5, 0.001, 0.06], 1 + index),
);
const EXTREMES = [
  record(1, [0.08, 0.004, 0.002, 0.006, 0.0004, 0.003], 0.05),
  record(3, [185, 0.5, 0.02, 72, 0.02, 0.2], 754),
  record(1100, [2, 0.5, 0.02, 0.3, 0.02, 0.09], 3, { ended_by: "maximum" }),
  record(1110, [2, 0.5, 0.02], null, {
    function_ended_s: 1113.5,
    outcome: "failed",
    error: "openai.RateLimitError: Error code: 429 - {'error': {'code': 'insufficient_quota'}}",
  }),
];

/** The turns of each state that shows some. */
const TURNS_OF: Record<string, Record<string, unknown>[] | undefined> = {
  timeline: RECORDS,
  "one-turn": RECORDS.slice(1, 2),
  "many-turns": MANY,
  extremes: EXTREMES,
};

/** The states with a button to talk, and the conversation in each. */
const TURNS: Record<string, Parameters<FakeConnection["converse"]>[0] | undefined> = {
  ready: "listening",
  hold: "listening",
  tap: "listening",
  "ready-thinking": "thinking",
  "ready-speaking": "speaking",
};

const query = new URLSearchParams(location.search);
const look = query.get("view") ?? "audio";
const modality: Modality = look === "video" || look === "audio-video" ? look : "audio";
const mode = (query.get("mode") ?? "send-receive") as Mode;
const state = query.get("state") ?? "idle";

const FAILURES: Record<string, FastRTCError> = {
  error:
    mode === "receive" ? iceError() : deviceError({ name: "NotAllowedError" }, kindsOf(modality)),
  "time-limit": endError("Time limit reached"),
  replaced: endError("", "replaced"),
  "no-device": deviceError({ name: "NotFoundError" }, kindsOf(modality)),
  "in-use": deviceError({ name: "NotReadableError" }, kindsOf(modality)),
  "no-route": iceError(),
  full: refusalError({ error: "concurrency_limit_reached", limit: 8 }),
  forbidden: httpError(403),
  unreachable: unreachableError(),
  lost: lostError(unreachableError()),
  "said-long": endError(
    "The conversation has ended because the account of this telephone line has no credit any more. " +
      "Write to billing@example.org, or call +1 555 0100 between nine and five on working days.",
  ),
};

const ENDS = ["time_limit_reached", "replaced", "ended_by_server"];

document.body.classList.toggle("dark", query.get("theme") === "dark");
const main = document.querySelector("main") ?? document.body;
main.classList.toggle("wide", modality !== "audio");

let connection = new FakeConnection({});
const props: Record<string, unknown> = {
  label: "Conversation",
  show_label: query.has("label"),
  modality,
  mode,
  variant: look === "textbox" ? "textbox" : "wave",
  icon: look === "icon" ? (query.has("broken") ? "/nothing.png" : ICON) : null,
  full_screen: !query.has("compact"),
  server: {},
};
const view = new View(
  main,
  null,
  {
    props: () => props,
    dispatch: () => undefined,
    setValue: (value) => {
      props["value"] = value;
    },
  },
  (options) => (connection = new FakeConnection(options)).real,
);

await arrange();
Object.assign(window, { view, connection });
document.body.dataset["ready"] = "";

async function arrange(): Promise<void> {
  if (state === "idle") return;
  if (state === "testing") {
    press("Choose devices");
    return;
  }
  if (state === "typed") {
    const field = document.querySelector("textarea");
    if (field) {
      field.value = "What is the weather in Lisbon\nat the weekend?";
      field.dispatchEvent(new Event("input"));
    }
    return;
  }
  await connection.start();
  if (state === "asking") return;
  if (modality !== "audio" && mode !== "receive")
    connection.localStream = await picture(() => (connection.muted.camera ? null : "#3b6ea5"));
  connection.become("connecting");
  if (state === "connecting") return;
  const failure = FAILURES[state];
  if (failure) {
    connection.localStream = null;
    connection.become(ENDS.includes(failure.code) ? "stopped" : "failed", failure);
    return;
  }
  if (modality !== "audio" && mode !== "send")
    connection.remoteStream = await picture(() => "#7a4fa0");
  connection.become("connected");
  connection.stats = STATS;
  if (state === "muted") {
    press("Mute microphone");
    press("Turn camera off");
    press("Mute speaker");
  } else if (state === "devices") press("Choose devices");
  else if (state === "details") {
    talk();
    press("Connection details");
  } else if (TURNS_OF[state]) {
    connection.converse("listening");
    press("Connection details");
    TURNS_OF[state].forEach((data, index) => {
      connection.say("message", { type: "turn", data: { number: index + 1, ...data } });
    });
    if (state !== "timeline") return;
    connection.converse("heard");
    connection.converse("thinking");
    document.querySelectorAll<HTMLElement>("[role=option]")[3]?.click();
  } else if (state === "no-turns") press("Connection details");
  else if (state === "captions" || state === "captions-hidden") {
    connection.converse("speaking");
    say("user", "What is the weather in Lisbon?");
    say("assistant", "Sunny, with 24 degrees in the afternoon and a light wind from the north.");
    if (state === "captions-hidden") press("Hide captions");
  } else if (state === "captions-long") captionsOfAllKinds();
  else if (state === "recording") {
    connection.say("message", { type: "recording", data: { active: true } });
    connection.converse("heard");
  } else if (state === "folded") press("Hide your picture");
  else if (state === "reconnecting") connection.become("reconnecting");
  else if (state === "again" || state === "anew") {
    connection.become("reconnecting");
    connection.become("connected", null, { resumed: state === "again" });
  } else if (state === "stopped") {
    connection.localStream = connection.remoteStream = null;
    connection.stop();
  } else if (state in TURNS) talkInTurns(state);
  else if (state !== "connected") {
    connection.converse(state as Parameters<FakeConnection["converse"]>[0]);
  }
}

/** The way of talking with a button, in each of its states. */
function talkInTurns(state: string): void {
  connection.becomeManual();
  connection.converse(TURNS[state] ?? "listening");
  const button = document.querySelector<HTMLButtonElement>(".frtc-talk");
  if (state === "tap") button?.click();
  else if (state === "hold") document.dispatchEvent(new KeyboardEvent("keydown", { key: " " }));
}

/** A while of a conversation, for the details. */
function talk(): void {
  for (const data of ["started_talking", "pause_detected", "response_starting"]) {
    connection.say("message", { type: "log", data });
  }
  connection.say("sent", "hello");
  connection.say("message", { type: "fetch_output", data: [] });
  const spoken = ["heard", "thinking", "speaking", "listening"] as const;
  spoken.forEach((now, index) =>
    setTimeout(() => {
      connection.converse(now);
    }, 600 * index),
  );
}

function say(who: string, text: string, final = true): void {
  connection.say("message", { type: "transcript", data: { who, text, final } });
}

/** More than fits: two directions of writing, a long word, an interruption, an unfinished text. */
function captionsOfAllKinds(): void {
  connection.converse("heard");
  say("user", "Which trains go from Lisbon to Porto this evening, and what do they cost?");
  say("assistant", "There are four.");
  say(
    "assistant",
    "The first leaves at 17:39 from Oriente and arrives in Porto-Campanhã at 20:52.",
  );
  say("user", "متى يصل القطار التالي إلى بورتو؟");
  connection.say("message", { type: "log", data: "response_starting" });
  say("assistant", "הרכבת הבאה מגיעה בשעה");
  connection.say("message", { type: "interrupted", data: "interrupted" });
  say(
    "user",
    "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogochllanfairpwllgwyngyllgogery",
  );
  say("assistant", "That is a place in Wales.");
  say("user", "No, I want to go to", false);
}

/** The record of a turn: when it began, the length of each part, and of the reply. */
function record(
  begins: number,
  parts: number[],
  played: number | null,
  more: object = {},
): Record<string, unknown> {
  const names = ["speech_ended", "turn_ended", "function_called", "first_audio", "first_sent"];
  let at = begins;
  const times: Record<string, number> = {};
  [...names, "first_heard"].slice(0, parts.length).forEach((name, index) => {
    at += parts[index] ?? 0;
    times[`${name}_s`] = at;
  });
  return {
    kind: "reply",
    outcome: "completed",
    ended_by: "pause",
    speech_began_s: begins,
    ...times,
    played_s: played,
    ...more,
  };
}

function press(name: string): void {
  document.querySelector<HTMLButtonElement>(`[aria-label="${name}"]`)?.click();
}

/** A moving picture of one colour with a face-like disc; black without a colour. */
function picture(color: () => string | null): Promise<MediaStream> {
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 480;
  const context = canvas.getContext("2d");
  const draw = (): void => {
    if (!context) return;
    const now = color();
    context.fillStyle = now ?? "#000";
    context.fillRect(0, 0, 640, 480);
    context.fillStyle = now === null ? "#000" : "#ffffffcc";
    context.beginPath();
    context.arc(320 + 12 * Math.sin(performance.now() / 400), 210, 90, 0, 7);
    context.arc(320, 520, 190, 0, 7);
    context.fill();
    requestAnimationFrame(draw);
  };
  draw();
  return Promise.resolve(canvas.captureStream(15));
}
