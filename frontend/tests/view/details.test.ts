// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { StreamStats } from "../../client";
import { describe as rowsOf, DetailsDrawer } from "../../view/details";

const STATS: StreamStats = {
  route: "relay",
  protocol: "tcp",
  roundTrip: 0.0342,
  jitter: 0.004,
  loss: 0.0149,
  sending: 40_000,
  receiving: 40_000,
  picture: null,
  codecs: ["opus"],
  latency: 411.6,
  latencyFromSpeech: 912.7,
};

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("puts the figures into words", () => {
  expect(Object.fromEntries(rowsOf(STATS, true))).toEqual({
    Connection: "Through a TURN server, over TCP",
    "Round trip": "34 ms",
    "Lost packets": "1.5 %",
    "Last answer after": "913 ms, 412 ms from the pause",
  });
});

it("shows dashes where nothing is known", () => {
  expect(rowsOf(null, true).map(([, text]) => text)).toEqual(["–", "–", "–", "–"]);
  const none = {
    ...STATS,
    route: null,
    protocol: null,
    roundTrip: null,
    loss: null,
    latency: null,
    latencyFromSpeech: null,
  };
  expect(rowsOf(none, true).map(([, text]) => text)).toEqual(["–", "–", "–", "–"]);
});

it("tells of the pause alone where the end of the speech was not heard", () => {
  const rows = Object.fromEntries(rowsOf({ ...STATS, latencyFromSpeech: null }, true));
  expect(rows["Last answer after"]).toBe("412 ms from the pause");
});

it("tells of no answers where there is no conversation", () => {
  expect(rowsOf(STATS, false).map(([name]) => name)).toEqual([
    "Connection",
    "Round trip",
    "Lost packets",
  ]);
});

it("tells the size of the picture, if there is one", () => {
  const picture = { width: 640, height: 480, framesPerSecond: 29.6 };
  expect(rowsOf({ ...STATS, picture }, true).at(-1)).toEqual(["Picture", "640 × 480, 30/s"]);
});

it("reads the figures only while it is open", async () => {
  const read = vi.fn(() => Promise.resolve<StreamStats | null>(STATS));
  const drawer = new DetailsDrawer(read, true);
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
