// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { StreamStats } from "@fastrtc/client";
import { describe as rowsOf, DetailsDrawer } from "../../view/details";
import { LevelHistory } from "../../view/history";
import { layoutOf } from "../../view/layout";

const STATS: StreamStats = {
  route: "relay",
  protocol: "tcp",
  roundTrip: 0.0342,
  jitter: 0.004,
  loss: 0.0149,
  sending: 40_000,
  receiving: 1_260_000,
  picture: null,
  codecs: ["opus"],
  latency: 411.6,
  latencyFromSpeech: 912.7,
};

const TALK = layoutOf("audio", "send-receive");

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("puts the figures into words", () => {
  expect(Object.fromEntries(rowsOf(STATS, TALK))).toEqual({
    Connection: "Through a TURN server, over TCP",
    "Round trip": "34 ms",
    "Lost packets": "1.5 %",
    "Last answer after": "913 ms, 412 ms from the pause",
    Sending: "40 kbit/s",
    Receiving: "1.3 Mbit/s",
    Jitter: "4 ms",
    Codec: "opus",
  });
});

it("shows dashes where nothing is known", () => {
  expect(rowsOf(null, TALK).map(([, text]) => text)).toEqual(Array(8).fill("–"));
  const none = {
    ...STATS,
    route: null,
    protocol: null,
    roundTrip: null,
    loss: null,
    latency: null,
    latencyFromSpeech: null,
    sending: null,
    receiving: null,
    jitter: null,
    codecs: [],
  };
  expect(rowsOf(none, TALK).map(([, text]) => text)).toEqual(Array(8).fill("–"));
});

it("tells of the pause alone where the end of the speech was not heard", () => {
  const rows = Object.fromEntries(rowsOf({ ...STATS, latencyFromSpeech: null }, TALK));
  expect(rows["Last answer after"]).toBe("412 ms from the pause");
});

it.each([
  ["audio", "send", ["Sending"]],
  ["audio", "receive", ["Receiving"]],
  ["video", "send-receive", ["Sending", "Receiving"]],
  ["video", "receive", ["Receiving"]],
  ["audio-video", "send-receive", ["Last answer after", "Sending", "Receiving"]],
] as const)("tells of %s, %s only what there is", (modality, mode, own) => {
  const names = rowsOf(STATS, layoutOf(modality, mode)).map(([name]) => name);
  const always = ["Connection", "Round trip", "Lost packets", "Jitter", "Codec"];
  expect(names.filter((name) => !always.includes(name))).toEqual(own);
});

it("tells the size of the picture, if there is one", () => {
  const picture = { width: 640, height: 480, framesPerSecond: 29.6 };
  const rows = Object.fromEntries(rowsOf({ ...STATS, picture }, TALK));
  expect(rows["Picture"]).toBe("640 × 480, 30/s");
});

it("reads the figures only while it is open", async () => {
  const read = vi.fn(() => Promise.resolve<StreamStats | null>(STATS));
  const drawer = new DetailsDrawer(read, TALK, new LevelHistory());
  await vi.advanceTimersByTimeAsync(5000);
  expect(read).toHaveBeenCalledTimes(0);
  drawer.open(true);
  await vi.advanceTimersByTimeAsync(2500);
  expect(read).toHaveBeenCalledTimes(3);
  expect(drawer.root.textContent).toContain("34 ms");
  drawer.open(false);
  await vi.advanceTimersByTimeAsync(5000);
  expect(read).toHaveBeenCalledTimes(3);
});

it.each([
  ["send-receive", "Sound levelsYouAva", "Sound levels: you above, Ava below"],
  ["send", "Sound levelsYou", "Sound levels: you"],
  ["receive", "Sound levelsAva", "Sound levels: Ava"],
] as const)("names the sides of the levels of %s", (mode, heading, label) => {
  const read = (): Promise<null> => Promise.resolve(null);
  const drawer = new DetailsDrawer(read, layoutOf("audio", mode), new LevelHistory());
  drawer.name("Ava");
  expect(drawer.root.querySelector(".frtc-details .frtc-key")?.textContent).toBe(heading);
  expect(drawer.root.querySelector("canvas")?.getAttribute("aria-label")).toBe(label);
});
